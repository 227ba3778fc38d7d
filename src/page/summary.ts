/** How far the inspector has read, and what it found, in sentences. */
import { bytes, count, counted } from './figures.ts';
import type { Progress, Summary } from './questions.ts';

const READERS: Readonly<Record<Summary['role'], string>> = {
  server: 'Read as a server: masked frames.',
  client: 'Read as a client: unmasked frames.',
  both: 'Both directions, told apart by the MASK bit. Masking keys and frame boundaries are made up: messages are all that a page or a HAR can see.',
};

/** '1.05 MB of 104 MB', '17 of 600 messages'. */
export function describeProgress({ done, of, unit }: Progress): string {
  return unit === 'byte' ? `${bytes(done)} of ${bytes(of)}` : `${count(done)} of ${counted(of, unit)}`;
}

/** Says what was found. */
export function describeSummary(summary: Summary): string {
  const { state, progress, read, total, stop, fault, role } = summary;
  if (state === 'done' && !total) return 'No message in this connection.';
  const found = `${counted(summary.frames, 'frame')} and ${counted(summary.messages, 'whole message')}`;
  const parts = [`${found} in ${bytes(read)}.`];
  if (state === 'cancelled') parts.unshift(`Cancelled after ${describeProgress(progress)}:`);
  if (stop !== undefined && !fault) parts.push(`${bytes(total - stop)} after CLOSE are not looked at (§5.5.1).`);
  if (fault) parts.push(`Reading ended at byte ${count(fault.offset)} of ${count(total)}.`);
  parts.push(READERS[role]);
  return parts.join(' ');
}
