/**
 * A decoder as one writes it first: masked text frames in plain JavaScript, a byte at a time, whole frames only, no rule
 * but UTF-8's shape judged. Frozen: it is what the engine's speed is held against, and made faster or slower it would
 * say something else.
 */

/** Decodes `stream` in place and returns how many messages it held; -1 where a text is none. */
export function decodePlainly(stream: Uint8Array): number {
  let messages = 0;
  for (let at = 0; at < stream.length; ) {
    const first = stream[at]!;
    let length = stream[at + 1]! & 127;
    at += 2;
    if (length === 126) {
      length = (stream[at]! << 8) | stream[at + 1]!;
      at += 2;
    }
    const key = at;
    at += 4;
    let owed = 0;
    for (let index = 0; index < length; index++, at++) {
      const byte = stream[at]! ^ stream[key + (index & 3)]!;
      stream[at] = byte;
      if (owed) {
        if (byte >> 6 !== 2) return -1;
        owed--;
      } else if (byte > 127) {
        if (byte < 0xc2 || byte > 0xf4) return -1;
        owed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      }
    }
    if (first & 128) messages++;
  }
  return messages;
}
