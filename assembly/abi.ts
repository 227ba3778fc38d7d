/**
 * The numbers both sides of the wall agree on: literals only, compiled by asc into the module and by tsc into the
 * JavaScript beside it. Addresses are bytes from the bottom of linear memory; the map is drawn in memory.ts.
 */

// Opcodes (RFC 6455 §5.2). Bit 3 marks a control frame.
export const OP_CONTINUATION = 0x0;
export const OP_TEXT = 0x1;
export const OP_BINARY = 0x2;
export const OP_CLOSE = 0x8;
export const OP_PING = 0x9;
export const OP_PONG = 0xa;

// A fragment's flags: the opcode in the low four bits (a data message's own on every piece of it), then these.
export const FLAG_OPCODE = 0x0f;
export const FLAG_CONTROL = 0x08;
/** The last piece of a message; set on every control frame. */
export const FLAG_FINAL = 0x10;
/** Text, every byte of this piece below 0x80. */
export const FLAG_ASCII = 0x20;

// The first byte of a frame, as encode takes it: FIN, RSV1, opcode.
export const HEADER_FINAL = 0x80;
export const HEADER_RSV1 = 0x40;
/** The longest header: 2 bytes, 8 of extended length, 4 of masking key. */
export const HEADER_MOST = 14;
/** §5.5: "All control frames MUST have a payload length of 125 bytes or less". */
export const CONTROL_MOST = 125;

// Faults: the rule that the peer broke. decode answers one negated.
export const FAULT_RESERVED_BITS = 1;
export const FAULT_OPCODE = 2;
export const FAULT_CONTROL = 3;
export const FAULT_CONTINUATION = 4;
export const FAULT_MASKING = 5;
export const FAULT_LENGTH = 6;
export const FAULT_TOO_BIG = 7;
export const FAULT_UTF8 = 8;
export const FAULT_CLOSE_LENGTH = 9;
export const FAULT_CLOSE_CODE = 10;

// What the UTF-8 kernels answer: the unfinished character's bytes in the low 24 bits, and these.
/** How many bytes of an unfinished character are carried, 0 to 3, shifted. */
export const UTF8_COUNT_SHIFT = 24;
/** The stretch held a byte above 0x7f. */
export const UTF8_WIDE = 0x4000_0000;
/** The stretch cannot be part of a UTF-8 text. */
export const UTF8_INVALID = 0x8000_0000;

// Decoder roles: whether the frames read must be masked (§5.1).
export const ROLE_CLIENT = 0;
export const ROLE_SERVER = 1;

// Linear memory.
/** Cell, u32: where decode stopped, or the byte that broke the rule. */
export const NEXT = 16;
/** Cell, 14 bytes: a header on its way to memory that is not this one. */
export const SCRATCH = 32;
export const FRAGMENTS = 0x1000;
/** Bytes of one fragment: address, length, flags, 4 each. */
export const FRAGMENT_SIZE = 12;
/** Fragments that one decode answers at the most. */
export const FRAGMENTS_MOST = 4096;
export const WINDOW = 0x1_1800;
export const WINDOW_SIZE = 0x4_0000;
/** Room in front of the window, for what the last read left of a header or a control frame. */
export const WINDOW_ROOM = 256;
export const RECORDS = 0x5_2000;
export const RECORD_SIZE = 192;
