/** Sections 9 and 10 of the conformance cases against both sides: all that was sent comes back, byte for byte. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_TEXT } from '../../assembly/abi.ts';
import { clientTarget, frameFor, play, serverTarget, type Target } from '../support/conformance.ts';
import { pattern } from '../support/peer.ts';
import { readLines, writeFrame } from '../support/wire.ts';
import { CLOSE } from '../vectors/conformance/cases.ts';
import { LOADS, type Load } from '../vectors/conformance/limits.ts';

const BYTES = pattern(9973);
const SCRIPTS = Buffer.from('Grüße, мир! 漢字 and some ASCII between, 🚀🚀 ');

/** Text of so many bytes; a character that would not fit gives way to asterisks. */
function textOf(length: number): Buffer {
  const text = Buffer.alloc(length, SCRIPTS);
  for (let at = Math.floor(length / SCRIPTS.length) * SCRIPTS.length; at < length; at++) text[at] = 0x2a;
  return text;
}

function framesOf(target: Target, opcode: number, message: Uint8Array, fragment: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  do {
    const data = message.subarray(at, at + fragment);
    const header = writeFrame({ opcode: at ? OP_CONTINUATION : opcode, final: at + fragment >= message.length, data });
    frames.push(frameFor(target, header));
    at += fragment;
  } while (at < message.length);
  return frames;
}

async function carry(target: Target, load: Load, opcode: number): Promise<void> {
  const { message: length, fragment = length || 1, chop, count = 1 } = load;
  const message = opcode === OP_TEXT ? textOf(length) : Buffer.alloc(length, BYTES);
  const frames = framesOf(target, opcode, message, fragment);
  const stream = Buffer.concat([...Array(count).fill(frames).flat(), frameFor(target, readLines(CLOSE))]);
  const size = chop ?? stream.length;
  const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) =>
    stream.subarray(i * size, (i + 1) * size),
  );
  const answers = await play(target, chunks);
  assert.is(answers.length, count + 1);
  assert.is(answers.at(-1)!.opcode, OP_CLOSE);
  for (const answer of answers.slice(0, count)) {
    assert.is(answer.opcode, opcode);
    assert.ok(answer.data.equals(message), `${length} bytes come back as they were sent`);
  }
}

const test = suite('loads');
const targets = [await serverTarget(), await clientTarget()];

for (const target of targets) {
  for (const load of LOADS) {
    const { number, message, fragment, chop, count } = load;
    const how = `${count ?? 1} of ${message} bytes${fragment ? ` in frames of ${fragment}` : ''}${chop ? ` in writes of ${chop}` : ''}`;
    for (const [name, opcode] of [
      ['text', OP_TEXT],
      ['binary', OP_BINARY],
    ] as const) {
      test(`${target.role}, ${number}, ${name}: ${how}`, () => carry(target, load, opcode));
    }
  }
}

test.after(async () => {
  for (const target of targets) await target.stop();
});

test.run();
