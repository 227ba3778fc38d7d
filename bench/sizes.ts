/**
 * The ladder of sizes, and what climbs it: texts in five scripts and in many mixed, laid where each call finds another alignment. What a
 * stretch costs depends on where it lies, so nothing is measured at one address.
 */
import { WORDS } from './echo/messages.ts';

export const SIZES = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

/** Bytes that a bench lays its stretches in. */
export const ROOM = 1_048_576 + 4096;

const PLACES = 16;
const SMALL = 4096;

export const SCRIPTS: Readonly<Record<string, string>> = {
  ASCII: 'The quick brown fox jumps over the lazy dog; 14 wizards quickly boxed. ',
  'Latin with accents': 'Dès Noël, où un zéphyr haï me vêt de glaçons würmiens, je dîne de rôtis exquis. ',
  Cyrillic: 'Съешь же ещё этих мягких французских булок, да выпей чаю. ',
  CJK: '人人生而自由，在尊严和权利上一律平等。すべての人間は、生まれながらにして自由である。 ',
  emoji: '😀🎉🚀 🌍💡🔥👩‍💻 🎈🦊✨ ',
  mixed: `${WORDS.mixed.join(' ')} `,
};

/** Returns `length` bytes of `sample` over and over; what is left over has no room for its next character. */
export function textOf(sample: string, length: number): Buffer {
  const text = Buffer.alloc(length, '.');
  const times = Math.ceil(length / Buffer.byteLength(sample));
  new TextEncoder().encodeInto(sample.repeat(times), text);
  return text;
}

/**
 * Lays `data` in `memory`, from `base` on, and returns where: sixteen times at sixteen alignments while that stays in the
 * first cache, once where it does not, at the alignment whose turn it is.
 */
export function lay(memory: Uint8Array, base: number, data: Uint8Array, turn: number): number[] {
  const places = Array.from({ length: PLACES }, (_, i) => {
    const alignment = ((turn + i) * 7 + 3) & 15;
    return base + alignment + i * ((data.length + 31) & ~15);
  });
  if (data.length > SMALL / PLACES) places.length = Math.max(1, Math.floor(SMALL / data.length));
  for (const place of places) memory.set(data, place);
  return places;
}
