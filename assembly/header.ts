/**
 * Reads and judges one frame header (RFC 6455 §5.2, §5.4, §5.5). A header is all or nothing: while a byte of it is
 * missing nothing is taken, and the next attempt starts at its first byte again.
 */
import {
  CONTROL_MOST, FAULT_CONTINUATION, FAULT_CONTROL, FAULT_LENGTH, FAULT_MASKING, FAULT_OPCODE, FAULT_RESERVED_BITS,
  FAULT_TOO_BIG, NEXT, OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PONG,
} from "./abi";
import { Decoder } from "./memory";

export const NEED_MORE = 0;

/** Notes the byte that broke a rule; returns the rule, negated. */
export function fault(rule: i32, ptr: usize): i32 {
  store<u32>(0, <u32>ptr, NEXT);
  return -rule;
}

/**
 * Returns the bytes used, NEED_MORE, or a negated FAULT_*. A header that is used has set `remaining` and `key`; a data
 * frame's has set `final`, `message` and `messageSize` as well.
 */
export function readHeader(decoder: Decoder, ptr: usize, available: u32): i32 {
  if (available < 2) return NEED_MORE;
  const first: i32 = load<u8>(ptr);
  const second: i32 = load<u8>(ptr, 1);
  const final = first >> 7;
  const opcode = first & 0b0000_1111;
  const masked = second >> 7;
  const short = second & 0b0111_1111;
  let length = <u64>short;
  let used: u32 = 2;

  // "MUST be 0 unless an extension is negotiated": none ever is.
  if (first & 0b0111_0000) return fault(FAULT_RESERVED_BITS, ptr);

  if (opcode >= OP_CLOSE) {
    if (opcode > OP_PONG) return fault(FAULT_OPCODE, ptr);
    // §5.5: "MUST have a payload length of 125 bytes or less and MUST NOT be fragmented".
    if (!final) return fault(FAULT_CONTROL, ptr);
    if (short > CONTROL_MOST) return fault(FAULT_CONTROL, ptr + 1);
  } else {
    if (opcode > OP_BINARY) return fault(FAULT_OPCODE, ptr);
    // §5.4: a message is opened once, then only continued.
    if ((opcode == OP_CONTINUATION) != (decoder.message != 0)) return fault(FAULT_CONTINUATION, ptr);
  }

  // §5.1: clients mask, servers do not. Either mistake ends the connection.
  if (masked != decoder.role) return fault(FAULT_MASKING, ptr + 1);

  if (short == 126) {
    if (available < 4) return NEED_MORE;
    length = bswap<u16>(load<u16>(ptr, 2));
    used = 4;
    // "the minimal number of bytes MUST be used to encode the length"
    if (length < 126) return fault(FAULT_LENGTH, ptr + 2);
  } else if (short == 127) {
    if (available < 10) return NEED_MORE;
    length = bswap<u64>(load<u64>(ptr, 2));
    used = 10;
    // Neither longer than JavaScript can count, nor encoded longer than it need be.
    if (length < 0x1_0000 || length > 0x1f_ffff_ffff_ffff) return fault(FAULT_LENGTH, ptr + 2);
  }

  let key: u32 = 0;
  if (masked) {
    if (available < used + 4) return NEED_MORE;
    key = load<u32>(ptr + used);
    used += 4;
  }

  if (opcode < OP_CLOSE) {
    const size = decoder.messageSize + length;
    if (decoder.messageLimit && size > decoder.messageLimit) return fault(FAULT_TOO_BIG, ptr + 1);
    decoder.messageSize = size;
    decoder.final = <u8>final;
    if (opcode) decoder.message = <u8>opcode;
  }
  decoder.remaining = length;
  decoder.key = key;
  return used;
}
