/**
 * Walks a window: header, mask, UTF-8; writes fragments. A payload piece is answered as soon as it is here; a frame is
 * never put together. Control frames come whole: until the last byte is here they wait in the record with their header.
 *
 * There is no stored state name: `remaining > 0` means "in a payload", otherwise "at a header".
 */
import {
  FAULT_CLOSE_CODE, FAULT_CLOSE_LENGTH, FAULT_UTF8, FLAG_ASCII, FLAG_CONTROL, FLAG_FINAL, FLAG_OPCODE, FRAGMENTS,
  FRAGMENTS_MOST, FRAGMENT_SIZE, NEXT, OP_CLOSE, OP_TEXT, UTF8_COUNT_SHIFT, UTF8_INVALID, UTF8_WIDE,
} from "./abi";
import { fault, NEED_MORE, readHeader } from "./header";
import { maskCopy, rotateKey, unmask } from "./mask";
import { Decoder } from "./memory";
import { readShort } from "./short";
import { unmaskText, validPrefix, validate } from "./utf8";

const FRAGMENTS_END: usize = FRAGMENTS + FRAGMENTS_MOST * FRAGMENT_SIZE;

/**
 * Decodes what lies between `ptr` and `end`, for the decoder whose record is given. Returns the number of fragments, or
 * a negated FAULT_*; NEXT then holds where to go on while it is below `end`, or the byte that broke the rule. Fragments
 * in front of a fault are answered first, the fault by the next call.
 */
export function decode(record: usize, ptr: usize, end: usize): i32 {
  const decoder = changetype<Decoder>(record);
  if (decoder.fault) return -<i32>decoder.fault;
  let fragment: usize = FRAGMENTS;
  let broken = 0;
  // Where the row of pieces ends that lie one behind the other, 0 where none has begun.
  let rowEnd: usize = 0;

  if (decoder.carried) {
    ptr -= decoder.carried;
    memory.copy(ptr, decoder.carry, decoder.carried);
    decoder.carried = 0;
  }

  while (ptr < end && fragment < FRAGMENTS_END && !decoder.closed) {
    const available = <u32>(end - ptr);
    let at = ptr;
    let length: u32;

    if (!decoder.remaining) {
      const whole = decoder.message ? 0 : readShort(decoder, fragment, rowEnd, ptr, available);
      if (whole) {
        ptr += whole;
        rowEnd = load<u32>(fragment) + load<u32>(fragment, 4);
        fragment += FRAGMENT_SIZE;
        continue;
      }
      const used = readHeader(decoder, ptr, available);
      if (used < 0) { broken = used; break; }
      const opcode: u32 = load<u8>(ptr) & FLAG_OPCODE;
      const control = opcode & FLAG_CONTROL;
      if (used == NEED_MORE || (control && available - used < <u32>decoder.remaining)) {
        decoder.remaining = 0;
        decoder.carried = <u8>available;
        memory.copy(decoder.carry, ptr, available);
        ptr = end;
        break;
      }
      ptr += used;
      if (control) {
        at = ptr;
        rowEnd = 0;
        length = <u32>decoder.remaining;
        decoder.remaining = 0;
        unmask(ptr, length, decoder.key);
        if (opcode == OP_CLOSE) {
          broken = judgeClose(ptr, length);
          if (broken) break;
          decoder.closed = 1;
        }
        store<u32>(fragment, opcode | FLAG_FINAL, 8);
      } else {
        // Only the header is here: no empty fragment is made of it.
        if (decoder.remaining && ptr == end) break;
        at = roomBehind(rowEnd, ptr, end, decoder);
        length = readPayload(decoder, fragment, at, ptr, end);
        rowEnd = at + length;
      }
    } else {
      length = readPayload(decoder, fragment, at, ptr, end);
      rowEnd = at + length;
    }

    // What a broken text still held before the break is a fragment like any other.
    if (decoder.fault) broken = -<i32>decoder.fault;
    if (length || !broken) {
      store<u32>(fragment, <u32>at);
      store<u32>(fragment, length, 4);
      fragment += FRAGMENT_SIZE;
    }
    if (broken) break;
    ptr += length;
  }

  const count = <i32>((fragment - FRAGMENTS) / FRAGMENT_SIZE);
  if (broken) {
    decoder.fault = <u8>-broken;
    return count ? count : broken;
  }
  store<u32>(0, decoder.closed ? <u32>end : <u32>ptr, NEXT);
  return count;
}

/**
 * Where the piece at `ptr` goes: right behind the one before it, which ends at `behind`, with room for an unmasked header
 * between them, so that what answers them lies in a row. Never behind `ptr`: its own header was no shorter.
 */
@inline
function roomBehind(behind: usize, ptr: usize, end: usize, decoder: Decoder): usize {
  if (!behind) return ptr;
  const length = min(<u64>(end - ptr), decoder.remaining);
  return behind + (length < 126 ? 2 : length < 0x1_0000 ? 4 : 10);
}

/**
 * Unmasks and judges what is here of this frame's payload, and puts it at `at`. Writes the flags of its `fragment`; returns
 * its length, cut in front of a fault.
 */
function readPayload(decoder: Decoder, fragment: usize, at: usize, ptr: usize, end: usize): u32 {
  const available = <u64>(end - ptr);
  let length = <u32>min(available, decoder.remaining);
  const remaining = decoder.remaining - length;
  const final = decoder.final && !remaining;
  const opcode: u32 = decoder.message;
  const key = decoder.key;
  let flags = final ? opcode | FLAG_FINAL : opcode;

  if (opcode == OP_TEXT && decoder.validates) {
    const before = decoder.unfinished;
    if (!decoder.role && at != ptr) memory.copy(at, ptr, length);
    const after = decoder.role ? unmaskText(at, ptr, length, key, before) : validate(at, length, before);
    if (after == UTF8_INVALID) {
      length = validPrefix(at, length, before);
      return breakText(decoder, fragment, ptr + length, length);
    }
    const unfinished = after & ~UTF8_WIDE;
    // §8.1: a message that stops inside a character is no text; the byte it stops at is the fault's.
    if (final && unfinished) return breakText(decoder, fragment, ptr + length - 1, length ? length - 1 : 0);
    decoder.unfinished = unfinished;
    if (!(after & UTF8_WIDE)) flags |= FLAG_ASCII;
  } else if (key) {
    maskCopy(at, ptr, length, key);
  } else if (at != ptr) {
    memory.copy(at, ptr, length);
  }

  decoder.remaining = remaining;
  decoder.key = rotateKey(key, length);
  if (final) {
    decoder.message = 0;
    decoder.messageSize = 0;
  }
  store<u32>(fragment, flags, 8);
  return length;
}

/** Ends the stream at the byte at `ptr`, `length` bytes into a text's piece, of which `fragment` is made. */
function breakText(decoder: Decoder, fragment: usize, ptr: usize, length: u32): u32 {
  decoder.fault = <u8>-fault(FAULT_UTF8, ptr);
  store<u32>(fragment, OP_TEXT, 8);
  return length;
}

/** §5.5.1, §7.4: nothing, or a code that may stand on the wire and a reason in UTF-8. */
function judgeClose(ptr: usize, length: u32): i32 {
  if (!length) return 0;
  if (length == 1) return fault(FAULT_CLOSE_LENGTH, ptr);
  const code: u32 = bswap<u16>(load<u16>(ptr));
  const known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006)
    || (code >= 3000 && code <= 4999);
  if (!known) return fault(FAULT_CLOSE_CODE, ptr);
  const after = validate(ptr + 2, length - 2, 0);
  if (after == UTF8_INVALID) return fault(FAULT_UTF8, ptr + 2 + validPrefix(ptr + 2, length - 2, 0));
  if (after >> UTF8_COUNT_SHIFT & 3) return fault(FAULT_UTF8, ptr + length - 1);
  return 0;
}
