/**
 * Streams to judge, as fast-check makes and shrinks them: a conversation of messages in fragments with control frames
 * between, spoilt in the places that a decoder looks at (the bits and lengths of a header, a byte of the plain payload, the
 * order of frames) or anywhere in the bytes, and cut as a network may.
 */
import fc from 'fast-check';

export interface Trial {
  readonly stream: Uint8Array;
  readonly cuts: readonly number[];
  readonly role: 'server' | 'client';
  readonly maxMessageSize: number;
}

interface Frame {
  final: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  /** Bytes of the extended length; undefined for as few as it needs. */
  form?: 0 | 2 | 8;
  /** The length that the header claims, where that is not the payload's. */
  claim?: bigint;
  data: Buffer;
}

const LENGTHS = [0, 1, 2, 3, 5, 15, 16, 17, 33, 64, 100, 124, 125, 126, 127, 128, 200, 300];
const LONG = [65_534, 65_535, 65_536, 70_000];
const CLAIMS = [
  ...[0n, 1n, 124n, 125n, 126n, 127n, 65_535n, 65_536n],
  ...[31n, 32n, 53n, 63n].flatMap(bits => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n]),
  2n ** 64n - 1n,
];
const CODES = [1000, 1001, 1003, 1007, 1014, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];

/** UTF-8 of about so many bytes. */
function fill(text: string, length: number): Buffer {
  const unit = Buffer.from(text || 'x');
  return Buffer.alloc(length - (length % unit.length), unit);
}

const length = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...LENGTHS) },
  { weight: 1, arbitrary: fc.constantFrom(...LONG) },
);
const payload = fc
  .tuple(fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 })), length)
  .map(([text, length]) => fill(text, length));

/** A message in as many fragments as places, and the control frames behind the first ones. */
const message = fc
  .record({
    opcode: fc.constantFrom(1, 1, 1, 2),
    data: payload,
    places: fc.array(fc.nat(70_000), { maxLength: 4 }),
    controls: fc.array(fc.record({ opcode: fc.constantFrom(9, 10), length: fc.constantFrom(0, 1, 4, 125) }), {
      maxLength: 3,
    }),
  })
  .map(({ opcode, data, places, controls }): Frame[] => {
    const ends = places.map(place => place % (data.length + 1)).sort((one, other) => one - other);
    return [...ends, data.length].flatMap((end, index): Frame[] => {
      const control = controls[index];
      return [
        {
          final: index === ends.length,
          rsv: 0,
          opcode: index ? 0 : opcode,
          masked: false,
          data: Buffer.from(data.subarray(index ? ends[index - 1] : 0, end)),
        },
        ...(control
          ? [{ final: true, rsv: 0, opcode: control.opcode, masked: false, data: fill('c', control.length) }]
          : []),
      ];
    });
  });

const closing = fc
  .oneof(
    fc.constantFrom(Buffer.alloc(0), Buffer.of(3)),
    fc
      .tuple(fc.constantFrom(...CODES), fc.string({ unit: 'binary', maxLength: 20 }))
      .map(([code, reason]) => Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)])),
  )
  .map((data): Frame => ({ final: true, rsv: 0, opcode: 8, masked: false, data }));

type Spoiling = (frames: Frame[], at: number) => void;

function spoiler(spoil: (frame: Frame) => void): Spoiling {
  return (frames, at) => frames.length && spoil(frames[at % frames.length]!);
}

const spoiling: fc.Arbitrary<Spoiling> = fc.oneof(
  fc.integer({ min: 1, max: 7 }).map(rsv => spoiler(frame => (frame.rsv = rsv))),
  fc.nat(15).map(opcode => spoiler(frame => (frame.opcode = opcode))),
  fc.constant(spoiler(frame => (frame.final = !frame.final))),
  fc.constant(spoiler(frame => (frame.masked = !frame.masked))),
  fc.constantFrom<2 | 8>(2, 8).map(form => spoiler(frame => (frame.form = form))),
  fc.constantFrom(...CLAIMS).map(claim => spoiler(frame => (frame.claim = claim))),
  fc.tuple(fc.nat(300), fc.nat(255)).map(([place, byte]) =>
    spoiler(({ data }) => {
      if (data.length) data[place % data.length] = byte;
    }),
  ),
  fc.nat(400).map(more => spoiler(frame => (frame.data = Buffer.concat([frame.data, fill('m', more)])))),
  fc.constant<Spoiling>((frames, at) => frames.splice(at % (frames.length + 1), 1)),
  fc.constant<Spoiling>((frames, at) => frames.length && frames.push(frames[at % frames.length]!)),
  closing.map(
    (frame): Spoiling =>
      (frames, at) =>
        frames.splice(at % (frames.length + 1), 0, frame),
  ),
);

type Edit = (stream: Buffer, at: number) => Buffer;

/** The stream with `gone` bytes at a place made into others. */
function edit(gone: number, ...others: number[]): Edit {
  return (stream, at) => Buffer.concat([stream.subarray(0, at), Buffer.from(others), stream.subarray(at + gone)]);
}

const editing: fc.Arbitrary<Edit> = fc.oneof(
  fc.nat(7).map(
    (bit): Edit =>
      (stream, at) =>
        edit(1, (stream[at] ?? 0) ^ (1 << bit))(stream, at),
  ),
  fc.nat(255).map(byte => edit(1, byte)),
  fc.uint8Array({ minLength: 1, maxLength: 4 }).map(bytes => edit(0, ...bytes)),
  fc.integer({ min: 1, max: 4 }).map(gone => edit(gone)),
  fc.constant<Edit>((stream, at) => stream.subarray(0, at)),
);

const KEY = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

function write({ final, rsv, opcode, masked, form, claim, data }: Frame): Buffer {
  const length = claim ?? BigInt(data.length);
  const needed = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const extended = form === undefined || form < needed ? needed : form;
  const header = Buffer.alloc(2 + extended);
  header[0] = (final ? 128 : 0) | (rsv << 4) | opcode;
  header[1] = (masked ? 128 : 0) | (extended === 8 ? 127 : extended === 2 ? 126 : Number(length));
  if (extended === 2) header.writeUInt16BE(Number(length), 2);
  else if (extended === 8) header.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([header, data]);
  return Buffer.concat([header, KEY, data.map((byte, index) => byte ^ KEY[index & 3]!)]);
}

const place = fc.nat(2 ** 31 - 1);

export const trials: fc.Arbitrary<Trial> = fc
  .record({
    role: fc.constantFrom('server', 'client'),
    maxMessageSize: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(300) }),
    messages: fc.array(message, { maxLength: 5 }),
    close: fc.option(closing),
    spoilings: fc.array(fc.tuple(spoiling, place), { maxLength: 2 }),
    edits: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.tuple(editing, place), { maxLength: 2 }) },
    ),
    cuts: fc.array(place, { maxLength: 8 }),
  })
  .map(({ role, maxMessageSize, messages, close, spoilings, edits, cuts }) => {
    const frames = [...messages.flat(), ...(close ? [close] : [])].map(
      (frame): Frame => ({ ...frame, data: Buffer.from(frame.data), masked: role === 'server' }),
    );
    for (const [spoil, at] of spoilings) spoil(frames, at);
    let stream: Buffer = Buffer.concat(frames.map(write));
    for (const [change, at] of edits) stream = change(stream, at % (stream.length + 1));
    const places = cuts.map(cut => cut % (stream.length + 1));
    return { role, maxMessageSize, stream, cuts: places.sort((one, other) => one - other) };
  });
