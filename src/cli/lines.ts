/**
 * The input's lines, as bytes: each ends with LF or CR LF, the last also where the input ends. No other byte is looked at,
 * and no line is read before the one ahead of it has been taken.
 */
import { isUtf8 } from 'node:buffer';

const LF = 0x0a;
const CR = 0x0d;
/** As long as a message that `connect` takes; a line of more is an input that has none. */
const LINE_MOST = 16 * 1024 * 1024;

/** Yields the lines of `input`. Throws at one that is too long, or that is to be text and is no UTF-8. */
export async function* linesOf(input: AsyncIterable<Uint8Array>, text: boolean): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = [];
  let length = 0;
  let number = 1;

  const keep = (part: Uint8Array): void => {
    length += part.length;
    if (length > LINE_MOST) throw new Error(`line ${number} of the input is longer than 16 MiB`);
    begun.push(part);
  };
  const finish = (): Uint8Array => {
    const line = begun.length === 1 ? begun[0]! : Buffer.concat(begun, length);
    if (text && !isUtf8(line)) {
      throw new Error(`line ${number} of the input is not UTF-8; with --binary lines are sent as bytes`);
    }
    begun = [];
    length = 0;
    number++;
    return line;
  };

  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      keep(chunk.subarray(start, end));
      const line = finish();
      yield line.at(-1) === CR ? line.subarray(0, -1) : line;
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (length) yield finish();
}
