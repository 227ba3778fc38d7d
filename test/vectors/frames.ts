/**
 * Streams and what they say, each a title, who reads it, the bytes, and the log as support/wire.ts shows it. Offsets count
 * from the stream's first byte. Server streams are masked, some with a key of zeros so that the payload can be read.
 */
import type { Options } from '../reference/decoder.ts';

export type Vector = readonly [title: string, options: Options, lines: string | readonly string[], log: string];

const SERVER = { role: 'server' } as const;
const CLIENT = { role: 'client' } as const;
const limit = (maxMessageSize: number): Options => ({ role: 'client', maxMessageSize });

/** RFC 6455 §5.7. */
export const EXAMPLES: readonly Vector[] = [
  ['a single-frame unmasked text message', CLIENT, '1 000 0001 | 0 0000101 | 48 65 6c 6c 6f', 'text "Hello"'],
  [
    'a single-frame masked text message',
    SERVER,
    '1 000 0001 | 1 0000101 | 37 fa 21 3d | 7f 9f 4d 51 58',
    'text "Hello"',
  ],
  [
    'a fragmented unmasked text message',
    CLIENT,
    ['0 000 0001 | 0 0000011 | 48 65 6c', '1 000 0000 | 0 0000010 | 6c 6f'],
    'text "Hello"',
  ],
  ['an unmasked ping', CLIENT, '1 000 1001 | 0 0000101 | 48 65 6c 6c 6f', 'ping "Hello"'],
  ['its masked pong', SERVER, '1 000 1010 | 1 0000101 | 37 fa 21 3d | 7f 9f 4d 51 58', 'pong "Hello"'],
  ['256 bytes in one unmasked frame', CLIENT, '1 000 0010 | 0 1111110 | 01 00 | 256*7e', 'binary <256 bytes>'],
  [
    '64 KiB in one unmasked frame',
    CLIENT,
    '1 000 0010 | 0 1111111 | 00 00 00 00 00 01 00 00 | 65536*7e',
    'binary <65536 bytes>',
  ],
];

/** §5.2 to §5.5: what a header may say. */
export const HEADERS: readonly Vector[] = [
  ['§5.2 RSV1', CLIENT, '1 100 0001 | 0 0000000', 'FAULT_RESERVED_BITS at 0'],
  ['§5.2 RSV2', SERVER, '1 010 0010 | 1 0000000 | 00 00 00 00', 'FAULT_RESERVED_BITS at 0'],
  ['§5.2 RSV3 of a ping', CLIENT, '1 001 1001 | 0 0000000', 'FAULT_RESERVED_BITS at 0'],
  ['§5.2 all reserved bits of a reserved opcode', CLIENT, '0 111 1111 | 1 1111111', 'FAULT_RESERVED_BITS at 0'],
  [
    '§5.2 RSV1 of a continuation',
    CLIENT,
    ['0 000 0001 | 0 0000001 | 61', '1 100 0000 | 0 0000000'],
    'text "a"+, FAULT_RESERVED_BITS at 3',
  ],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(opcode => {
    const bits = opcode.toString(2).padStart(4, '0');
    return [`§5.2 reserved opcode ${opcode}`, CLIENT, `1 000 ${bits} | 0 0000000`, 'FAULT_OPCODE at 0'] as const;
  }),
  ['§5.2 reserved opcode, fragmented, too long', SERVER, '0 000 1011 | 0 1111110', 'FAULT_OPCODE at 0'],
  ['§5.5 a fragmented ping', SERVER, '0 000 1001 | 1 0000101 | 37 fa 21 3d', 'FAULT_CONTROL at 0'],
  ['§5.5 a fragmented pong', CLIENT, '0 000 1010 | 0 0000000', 'FAULT_CONTROL at 0'],
  ['§5.5 a fragmented CLOSE', CLIENT, '0 000 1000 | 0 0000000', 'FAULT_CONTROL at 0'],
  ['§5.5 a ping of 125 bytes', CLIENT, '1 000 1001 | 0 1111101 | 125*2e', 'ping <125 bytes>'],
  ['§5.5 a masked pong of 125 bytes', SERVER, '1 000 1010 | 1 1111101 | 01 02 03 04 | 125*2e', 'pong <125 bytes>'],
  ['§5.5 a ping of 126 bytes', CLIENT, '1 000 1001 | 0 1111110 | 00 7e | 126*2e', 'FAULT_CONTROL at 1'],
  ['§5.5 a CLOSE of 64 KiB', CLIENT, '1 000 1000 | 0 1111111 | 00 00 00 00 00 01 00 00', 'FAULT_CONTROL at 1'],
  ['§5.5 a ping of 2 bytes in a 16-bit length', CLIENT, '1 000 1001 | 0 1111110 | 00 02 | 61 62', 'FAULT_CONTROL at 1'],
  ['§5.5 an unmasked ping that is too long', SERVER, '1 000 1001 | 0 1111110', 'FAULT_CONTROL at 1'],
  ['§5.4 a continuation of nothing', SERVER, '1 000 0000 | 1 0000101 | 37 fa 21 3d', 'FAULT_CONTINUATION at 0'],
  ['§5.4 an open continuation of nothing', CLIENT, '0 000 0000 | 0 0000000', 'FAULT_CONTINUATION at 0'],
  [
    '§5.4 a continuation of a message that has ended',
    CLIENT,
    ['1 000 0001 | 0 0000001 | 61', '1 000 0000 | 0 0000001 | 62'],
    'text "a", FAULT_CONTINUATION at 3',
  ],
  [
    '§5.4 a text begun inside a text',
    CLIENT,
    ['0 000 0001 | 0 0000001 | 61', '1 000 0001 | 0 0000001 | 62'],
    'text "a"+, FAULT_CONTINUATION at 3',
  ],
  [
    '§5.4 a binary message begun inside an empty text',
    CLIENT,
    ['0 000 0001 | 0 0000000', '1 000 0010 | 0 0000001 | 62'],
    'FAULT_CONTINUATION at 2',
  ],
  ['§5.1 an unmasked frame to a server', SERVER, '1 000 0001 | 0 0000101 | 48 65 6c 6c 6f', 'FAULT_MASKING at 1'],
  ['§5.1 a masked frame to a client', CLIENT, '1 000 0001 | 1 0000101 | 37 fa 21 3d', 'FAULT_MASKING at 1'],
  ['§5.1 an unmasked CLOSE to a server', SERVER, '1 000 1000 | 0 0000000', 'FAULT_MASKING at 1'],
  ['§5.1 an unmasked frame of a bad length', SERVER, '1 000 0010 | 0 1111110 | 00 00', 'FAULT_MASKING at 1'],
];

/** §5.2: "the minimal number of bytes MUST be used to encode the length". */
export const LENGTHS: readonly Vector[] = [
  ['no bytes', CLIENT, '1 000 0010 | 0 0000000', 'binary ""'],
  ['no bytes, masked', SERVER, '1 000 0001 | 1 0000000 | 37 fa 21 3d', 'text ""'],
  ['1 byte', SERVER, '1 000 0010 | 1 0000001 | 37 fa 21 3d | c8', 'binary <ff>'],
  ['125 bytes', CLIENT, '1 000 0010 | 0 1111101 | 125*2e', 'binary <125 bytes>'],
  ['126 bytes', CLIENT, '1 000 0001 | 0 1111110 | 00 7e | 126*2e', 'text <126 bytes>'],
  ['127 bytes, masked', SERVER, '1 000 0001 | 1 1111110 | 00 7f | 00 00 00 00 | 127*2e', 'text <127 bytes>'],
  ['65,535 bytes', CLIENT, '1 000 0010 | 0 1111110 | ff ff | 65535*2e', 'binary <65535 bytes>'],
  [
    '65,536 bytes, masked',
    SERVER,
    '1 000 0001 | 1 1111111 | 00 00 00 00 00 01 00 00 | 01 02 03 04 | 65536*2e',
    'text <65536 bytes>',
  ],
  ['0 in 16 bits', CLIENT, '1 000 0010 | 0 1111110 | 00 00', 'FAULT_LENGTH at 2'],
  ['125 in 16 bits', SERVER, '1 000 0010 | 1 1111110 | 00 7d | 00 00 00 00', 'FAULT_LENGTH at 2'],
  ['0 in 63 bits', CLIENT, '1 000 0010 | 0 1111111 | 00 00 00 00 00 00 00 00', 'FAULT_LENGTH at 2'],
  ['125 in 63 bits', CLIENT, '1 000 0010 | 0 1111111 | 00 00 00 00 00 00 00 7d', 'FAULT_LENGTH at 2'],
  ['65,535 in 63 bits', CLIENT, '1 000 0010 | 0 1111111 | 00 00 00 00 00 00 ff ff', 'FAULT_LENGTH at 2'],
  [
    '2^32 and the first bytes of it',
    CLIENT,
    '1 000 0010 | 0 1111111 | 00 00 00 01 00 00 00 00 | 61 62',
    'binary "ab"+',
  ],
  [
    '2^53-1 and the first bytes of it',
    CLIENT,
    '1 000 0001 | 0 1111111 | 00 1f ff ff ff ff ff ff | 61 62',
    'text "ab"+',
  ],
  ['2^53', CLIENT, '1 000 0010 | 0 1111111 | 00 20 00 00 00 00 00 00', 'FAULT_LENGTH at 2'],
  [
    '2^63-1, masked, inside a message',
    SERVER,
    ['0 000 0010 | 1 0000001 | 00 00 00 00 | 61', '1 000 0000 | 1 1111111 | 7f ff ff ff ff ff ff ff | 00 00 00 00'],
    'binary "a"+, FAULT_LENGTH at 9',
  ],
  ['the top bit', CLIENT, '1 000 0010 | 0 1111111 | 80 00 00 00 00 01 00 00', 'FAULT_LENGTH at 2'],
  ['the top bit of all ones', CLIENT, '1 000 0010 | 0 1111111 | ff ff ff ff ff ff ff ff', 'FAULT_LENGTH at 2'],
];

/** maxMessageSize, judged by what headers promise. */
export const SIZES: readonly Vector[] = [
  ['as long as allowed', limit(5), '1 000 0001 | 0 0000101 | 48 65 6c 6c 6f', 'text "Hello"'],
  ['one byte too long', limit(4), '1 000 0001 | 0 0000101 | 48 65 6c 6c 6f', 'FAULT_TOO_BIG at 1'],
  [
    'too long to a server',
    { role: 'server', maxMessageSize: 4 },
    '1 000 0010 | 1 0000101 | 37 fa 21 3d',
    'FAULT_TOO_BIG at 1',
  ],
  [
    '65,536 bytes where 65,535 are allowed',
    limit(65_535),
    '1 000 0010 | 0 1111111 | 00 00 00 00 00 01 00 00',
    'FAULT_TOO_BIG at 1',
  ],
  [
    '2^53-1 where 2^53-2 are allowed',
    limit(2 ** 53 - 2),
    '1 000 0010 | 0 1111111 | 00 1f ff ff ff ff ff ff',
    'FAULT_TOO_BIG at 1',
  ],
  [
    '2^53-1 where so many are allowed',
    limit(2 ** 53 - 1),
    '1 000 0010 | 0 1111111 | 00 1f ff ff ff ff ff ff | 61',
    'binary "a"+',
  ],
  ['a bad length and too long', limit(4), '1 000 0010 | 0 1111110 | 00 05', 'FAULT_LENGTH at 2'],
  [
    'summed over frames, the last of which is one byte too long',
    limit(4),
    ['0 000 0001 | 0 0000010 | 61 62', '0 000 0000 | 0 0000010 | 63 64', '1 000 0000 | 0 0000001 | 65'],
    'text "abcd"+, FAULT_TOO_BIG at 9',
  ],
  [
    'summed over frames, the last of which is empty',
    limit(4),
    ['0 000 0001 | 0 0000010 | 61 62', '0 000 0000 | 0 0000010 | 63 64', '1 000 0000 | 0 0000000'],
    'text "abcd"',
  ],
  [
    'counted anew for each message, and not for control frames',
    limit(2),
    ['1 000 0001 | 0 0000010 | 61 62', '1 000 1001 | 0 0000011 | 63 64 65', '1 000 0001 | 0 0000010 | 66 67'],
    'text "ab", ping "cde", text "fg"',
  ],
];

/** §5.4: fragments, and control frames between them. */
export const MESSAGES: readonly Vector[] = [
  [
    'a ping between two fragments',
    CLIENT,
    ['0 000 0001 | 0 0000011 | 48 65 6c', '1 000 1001 | 0 0000010 | 68 69', '1 000 0000 | 0 0000010 | 6c 6f'],
    'text "Hel"+, ping "hi", text "lo"',
  ],
  [
    'a pong inside a character',
    SERVER,
    [
      '0 000 0001 | 1 0000001 | 00 00 00 00 | ce',
      '1 000 1010 | 1 0000000 | 00 00 00 00',
      '1 000 0000 | 1 0000001 | 00 00 00 00 | ba',
    ],
    'text <ce>+, pong "", text <ba>',
  ],
  [
    'fragments that are empty',
    CLIENT,
    [
      '0 000 0010 | 0 0000000',
      '0 000 0000 | 0 0000000',
      '0 000 0000 | 0 0000001 | 61',
      '0 000 0000 | 0 0000000',
      '1 000 0000 | 0 0000000',
    ],
    'binary "a"',
  ],
  ['a message of nothing but empty fragments', CLIENT, ['0 000 0001 | 0 0000000', '1 000 0000 | 0 0000000'], 'text ""'],
  [
    'a key for every frame',
    SERVER,
    ['0 000 0001 | 1 0000011 | 37 fa 21 3d | 7f 9f 4d', '1 000 0000 | 1 0000010 | 01 02 03 04 | 6d 6d'],
    'text "Hello"',
  ],
  [
    'text, binary and text again',
    CLIENT,
    ['1 000 0001 | 0 0000001 | 61', '1 000 0010 | 0 0000001 | ff', '1 000 0001 | 0 0000001 | 62'],
    'text "a", binary <ff>, text "b"',
  ],
  [
    'a message not finished',
    CLIENT,
    ['0 000 0010 | 0 0000011 | 61 62 63', '0 000 0000 | 0 0000011 | 64'],
    'binary "abcd"+',
  ],
  ['a ping that is not all here', SERVER, '1 000 1001 | 1 0000011 | 00 00 00 00 | 61 62', ''],
  ['a header that is not all here', SERVER, '1 000 0001 | 1 1111110 | 00 7e | 00 00 00', ''],
];

/** §5.5.1, §7.4. */
export const CLOSES: readonly Vector[] = [
  ['empty', CLIENT, '1 000 1000 | 0 0000000', 'close ""'],
  ['empty, masked', SERVER, '1 000 1000 | 1 0000000 | 37 fa 21 3d', 'close ""'],
  ['1000', CLIENT, '1 000 1000 | 0 0000010 | 03 e8', 'close <03e8>'],
  ['1000, masked', SERVER, '1 000 1000 | 1 0000010 | 37 fa 21 3d | 34 12', 'close <03e8>'],
  ['1001 and a reason', CLIENT, '1 000 1000 | 0 0000101 | 03 e9 | 62 79 65', 'close <03e9627965>'],
  ['1000 and 123 bytes of reason', CLIENT, '1 000 1000 | 0 1111101 | 03 e8 | 123*2e', 'close <125 bytes>'],
  ['a reason that is not ASCII', CLIENT, '1 000 1000 | 0 0000101 | 0f a0 | e2 82 ac', 'close <0fa0e282ac>'],
  ['one byte', CLIENT, '1 000 1000 | 0 0000001 | 03', 'FAULT_CLOSE_LENGTH at 2'],
  ['one byte, masked', SERVER, '1 000 1000 | 1 0000001 | 37 fa 21 3d | 34', 'FAULT_CLOSE_LENGTH at 6'],
  ['a bad byte in the reason', CLIENT, '1 000 1000 | 0 0000101 | 03 e8 | 61 ff 62', 'FAULT_UTF8 at 5'],
  ['a bad byte in a masked reason', SERVER, '1 000 1000 | 1 0000100 | 00 00 00 00 | 03 e8 | c0 80', 'FAULT_UTF8 at 8'],
  ['a reason that stops inside a character', CLIENT, '1 000 1000 | 0 0000101 | 03 e8 | 61 e2 82', 'FAULT_UTF8 at 6'],
  ['a bad code and a bad reason', CLIENT, '1 000 1000 | 0 0000011 | 03 ed | ff', 'FAULT_CLOSE_CODE at 2'],
  [
    'a bad reason where text is not judged',
    { role: 'client', validateUtf8: false },
    '1 000 1000 | 0 0000011 | 03 e8 | ff',
    'FAULT_UTF8 at 4',
  ],
  ['a bad reason that is not all here', CLIENT, '1 000 1000 | 0 0000100 | 03 e8 | ff', ''],
  [
    'inside a message, and what follows is not looked at',
    CLIENT,
    [
      '0 000 0001 | 0 0000001 | 61',
      '1 000 1000 | 0 0000000',
      '1 111 1111 | 1 1111111 | ff ff',
      '1 000 1001 | 0 0000000',
    ],
    'text "a"+, close ""',
  ],
  [
    'and half a frame behind it',
    SERVER,
    ['1 000 1000 | 1 0000010 | 00 00 00 00 | 03 e8', '1 000 0001'],
    'close <03e8>',
  ],
];

/** §7.4: which codes may stand in a CLOSE frame. */
export const CODES: { readonly allowed: readonly number[]; readonly refused: readonly number[] } = {
  allowed: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4999],
  refused: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 5001, 0x7fff, 0x8000, 0xffff],
};
