/** Sections 9 and 10: large messages, in one frame, in many, cut into small writes; many messages; frames cut by the sender. */
const KI = 1024;
const MI = 1024 * KI;

export interface Load {
  readonly number: string;
  /** Bytes of each message, of each of its frames, of each write; 0 for no cut. */
  readonly message: number;
  readonly fragment?: number;
  readonly chop?: number;
  readonly count?: number;
}

/** Each is run with text (the numbers given) and with binary (the next number). */
export const LOADS: readonly Load[] = [
  ...[64 * KI, 256 * KI, MI, 4 * MI, 8 * MI, 16 * MI].map((message, i) => ({ number: `9.1.${i + 1}`, message })),
  ...[64, 256, KI, 4 * KI, 16 * KI, 64 * KI, 256 * KI, MI, 4 * MI].map((fragment, i) => ({
    number: `9.3.${i + 1}`,
    message: 4 * MI,
    fragment,
  })),
  ...[64, 128, 256, 512, KI, 2 * KI].map((chop, i) => ({ number: `9.5.${i + 1}`, message: MI, chop })),
  ...[64 * KI, MI].map(chop => ({ number: '9.5', message: 16 * MI, chop })),
  ...[0, 16, 64, 256, KI, 4 * KI].map((message, i) => ({ number: `9.7.${i + 1}`, message, count: 1000 })),
  { number: '10.1.1', message: 64 * KI, fragment: 1300 },
];
