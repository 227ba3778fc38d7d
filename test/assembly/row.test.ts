/**
 * Where decode puts the pieces of one chunk: each as far behind the one before it as the header of an unmasked frame is
 * long, so that what answers them lies in a row. Behind a control frame a new row begins. Held against a plain walk over the
 * frames, with streams cut anywhere; what lies in front of the chunk and behind it is not touched.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as abi from '../../assembly/abi.ts';
import { BUILDS, Engine } from '../support/module.ts';
import { Random } from '../support/random.ts';
import { writeFrame } from '../support/wire.ts';

const LENGTHS = [0, 1, 2, 7, 8, 15, 16, 17, 100, 124, 125, 126, 127, 200, 300, 1000, 4096, 65_535, 65_536, 70_000];
const CONTROLS = [0, 1, 5, 124, 125];
const STREAMS = 150;
const PLAIN = new Random(128).bytes(70_000);
const MARGIN = 64;

interface Placed {
  readonly control: boolean;
  readonly data: Uint8Array;
  /** Where its payload begins in the stream, and where its header does. */
  readonly start: number;
  readonly header: number;
}

interface Piece {
  readonly address: number;
  readonly data: Uint8Array;
}

const test = suite('row');

/** Some frames, one behind the other. Texts are of every script, and cut anywhere. */
function talk(random: Random, masks: boolean): { stream: Uint8Array; frames: Placed[] } {
  const frames: Placed[] = [];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let count = 2 + random.below(20); count; count--) {
    const control = random.once(6);
    const text = random.once(2);
    const bytes = random.pick(control ? CONTROLS : LENGTHS);
    const data = text
      ? Buffer.from('aé人ไ😀'.repeat(bytes / 13 + 1)).subarray(0, bytes - (bytes % 13))
      : PLAIN.subarray(0, bytes);
    const key = masks ? (random.once(5) ? new Uint8Array(4) : random.bytes(4)) : undefined;
    const frame = writeFrame({ opcode: control ? 9 : text ? 1 : 2, data, key });
    frames.push({ control, data, start: length + frame.length - data.length, header: length });
    length += frame.length;
    parts.push(frame);
  }
  return { stream: Buffer.concat(parts), frames };
}

/** The pieces of the chunk that ends at `end` of the stream; `from` is where the last one stopped, `first` its address. */
function place(frames: readonly Placed[], from: number, end: number, first: number): { pieces: Piece[]; next: number } {
  const pieces: Piece[] = [];
  let next = from;
  let behind = 0;
  for (const { control, data, start, header } of frames) {
    const finish = start + data.length;
    if (finish < next || (header < next && finish === next)) continue;
    if (header >= end) break;
    // A header, like a control frame, waits until all of it is here; a payload only for its first byte.
    if (control ? finish > end : start > end) return { pieces, next };
    const at = Math.max(next, start);
    next = Math.min(finish, end);
    const length = next - at;
    if (start === end && data.length) break;
    const moved = behind && !control && behind + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
    const address = moved || first + at - from;
    pieces.push({ address, data: data.subarray(at - start, next - start) });
    behind = control ? 0 : address + length;
  }
  return { pieces, next: end };
}

for (const build of BUILDS)
  for (const role of ['server', 'client'] as const)
    test(`${build}, ${role}: the pieces of a chunk lie in a row, with room for a header in front of each`, () => {
      const { bytes, exports } = new Engine(build);
      const words = new Uint32Array(bytes.buffer);
      const random = new Random(5_2);
      const side = role === 'server' ? abi.ROLE_SERVER : abi.ROLE_CLIENT;
      let rows = 0;
      for (let i = 0; i < STREAMS; i++) {
        const { stream, frames } = talk(random, role === 'server');
        exports.openDecoder(abi.RECORDS, side, true, 0);
        let at = 0;
        let from = 0;
        while (at < stream.length) {
          const end = Math.min(
            stream.length,
            at + 1 + random.below(random.pick([3, 300, 20_000, abi.WINDOW_SIZE - MARGIN])),
          );
          const carried = at - from;
          const [front, window, behind] = [abi.WINDOW - abi.WINDOW_ROOM, abi.WINDOW - carried, abi.WINDOW + end - at];
          bytes.fill(0xee, front, behind + MARGIN);
          bytes.set(stream.subarray(at, end), abi.WINDOW);
          const { pieces, next } = place(frames, from, end, window);
          const title = `stream ${i} from ${at} to ${end}`;
          assert.is(exports.decode(abi.RECORDS, abi.WINDOW, behind), pieces.length, title);
          assert.is(words[abi.NEXT >> 2], behind, title);
          for (const [index, { address, data }] of pieces.entries()) {
            const row = (abi.FRAGMENTS + index * abi.FRAGMENT_SIZE) >> 2;
            assert.equal([words[row], words[row + 1]], [address, data.length], `${title}: piece ${index}`);
            if (Buffer.compare(bytes.subarray(address, address + data.length), data))
              assert.unreachable(`${title}: bytes`);
            if (index) rows++;
          }
          assert.ok(
            bytes.subarray(front, window).every(byte => byte === 0xee),
            `${title}: written in front`,
          );
          assert.ok(
            bytes.subarray(behind, behind + MARGIN).every(byte => byte === 0xee),
            `${title}: written behind`,
          );
          at = end;
          from = next;
        }
      }
      assert.ok(rows > 500, `${rows} pieces behind others`);
    });

test.run();
