/**
 * The turns of assembly/bounds.ts, byte by byte, against the table that it opens with: what the search for them sought is
 * that each parts the bytes that are looked for from all others, which is asked of all 256.
 */
import { readFileSync } from 'node:fs';
import { main } from 'assemblyscript/asc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = new URL('../../../', import.meta.url);
const ENTRY = `
import { ofAll, ofLong } from "./assembly/bounds";
export function long(byte: i32): i32 { return i8x16.extract_lane_u(ofLong(i8x16.splat(<i8>byte)), 0); }
export function all(byte: i32): i32 { return i8x16.extract_lane_u(ofAll(i8x16.splat(<i8>byte)), 0); }
`;

type Range = readonly [least: number, most: number];
const ROWS: readonly (readonly [bytes: Range, long: Range, all: Range])[] = [
  [
    [0x00, 0x7f],
    [0x00, 0x7f],
    [0x00, 0x7f],
  ],
  [
    [0x80, 0xbf],
    [0x00, 0x7f],
    [0x80, 0xbf],
  ],
  [
    [0xc0, 0xc0],
    [0x00, 0xff],
    [0xfe, 0xfe],
  ],
  [
    [0xc1, 0xc1],
    [0x00, 0xff],
    [0xff, 0xff],
  ],
  [
    [0xc2, 0xdf],
    [0x00, 0xff],
    [0xc2, 0xdf],
  ],
  [
    [0xe0, 0xe0],
    [0xe0, 0xe0],
    [0xfe, 0xfe],
  ],
  [
    [0xe1, 0xec],
    [0xe1, 0xeb],
    [0xe1, 0xec],
  ],
  [
    [0xed, 0xed],
    [0xe0, 0xe0],
    [0xff, 0xff],
  ],
  [
    [0xee, 0xee],
    [0xe3, 0xe3],
    [0xee, 0xee],
  ],
  [
    [0xef, 0xef],
    [0xe2, 0xe2],
    [0xef, 0xef],
  ],
  [
    [0xf0, 0xf3],
    [0xe4, 0xe7],
    [0xf0, 0xf3],
  ],
  [
    [0xf4, 0xff],
    [0xd0, 0xdf],
    [0xf4, 0xff],
  ],
];

const test = suite('bounds');

interface Turns {
  long(byte: number): number;
  all(byte: number): number;
}

async function compile(): Promise<Turns> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const options = [
    'entry.ts',
    '--outFile',
    'out.wasm',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--baseDir',
    ROOT.pathname,
  ];
  const { error, stderr } = await main(options, {
    readFile: name => (name === 'entry.ts' ? ENTRY : read(name)),
    writeFile: (_, contents) => {
      wasm = Uint8Array.from(contents as Uint8Array);
    },
    listFiles: () => [],
  });
  if (error) throw new Error(stderr.toString(), { cause: error });
  return new WebAssembly.Instance(new WebAssembly.Module(wasm!)).exports as unknown as Turns;
}

function read(name: string): string | null {
  try {
    return readFileSync(new URL(name, ROOT), 'utf8');
  } catch {
    return null;
  }
}

test('every byte is turned into what the table says, and lies on its side of the bound', async () => {
  const { long, all } = await compile();
  const within = (value: number, [least, most]: Range) => value >= least && value <= most;
  let next = 0;
  for (const [bytes, longs, alls] of ROWS)
    for (let byte = bytes[0]; byte <= bytes[1]; byte++) {
      assert.is(byte, next++);
      const title = `${byte.toString(16)}: ${long(byte).toString(16)} and ${all(byte).toString(16)}`;
      assert.ok(within(long(byte), longs), title);
      assert.ok(within(all(byte), alls), title);
      const bound = byte === 0xe0 || byte === 0xed || byte >= 0xf4;
      const two = byte >= 0xc0 && byte <= 0xdf;
      if (!two) assert.is((long(byte) << 24) >> 24 < (0xe1 << 24) >> 24, bound, title);
      assert.is(all(byte) >= 0xf4, bound || byte === 0xc0 || byte === 0xc1, title);
    }
  assert.is(next, 256);
});

test.run();
