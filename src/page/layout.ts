/**
 * A frame's header as the fields that RFC 6455 §5.2 draws, each with its bits, its bytes and what they mean. It reads
 * whatever bytes are here, so that a header which breaks off, or which the decoder refused, can be drawn as well.
 */
import { OP_CLOSE, OP_CONTINUATION } from '../codec/index.ts';
import { count, counted } from './figures.ts';
import type { Fault } from './recording.ts';
import { opcodeName } from './words.ts';

export interface Field {
  /** As in RFC 6455 §5.2. */
  readonly name: string;
  /** Which colour it has in the diagram. */
  readonly look: string;
  /** The first of its bytes, counted from the frame's first. */
  readonly at: number;
  /** Its bits, for the fields of the first two bytes; '' for whole bytes. */
  readonly bits: string;
  /** Its bytes, for the fields behind them. */
  readonly bytes: Uint8Array;
  readonly meaning: string;
}

const NO_BYTES = new Uint8Array();

function bitsOf(byte: number, start: number, end: number): string {
  return byte.toString(2).padStart(8, '0').slice(start, end);
}

function firstByte(byte: number): Field[] {
  const opcode = byte & 0b0000_1111;
  const final = byte >> 7;
  const bit = (place: number): string => bitsOf(byte, place, place + 1);
  const reserved = [1, 2, 3].map(place => ({
    name: `RSV${place}`,
    look: 'reserved',
    at: 0,
    bits: bit(place),
    bytes: NO_BYTES,
    meaning: bit(place) === '1' ? 'set, which needs an extension' : 'not set',
  }));
  const whole = opcode === OP_CONTINUATION ? 'the last frame of its message' : 'a whole message';
  const last = opcode >= OP_CLOSE ? 'control frames always are whole' : whole;
  return [
    {
      name: 'FIN',
      look: 'fin',
      at: 0,
      bits: bit(0),
      bytes: NO_BYTES,
      meaning: final ? last : 'more frames of this message follow',
    },
    ...reserved,
    {
      name: 'opcode',
      look: 'opcode',
      at: 0,
      bits: bitsOf(byte, 4, 8),
      bytes: NO_BYTES,
      meaning: opcodeName(opcode),
    },
  ];
}

function secondByte(byte: number): Field[] {
  const masked = byte >> 7;
  const short = byte & 0b0111_1111;
  const extended = { 126: 'the next 2 bytes hold the length', 127: 'the next 8 bytes hold the length' }[short];
  return [
    {
      name: 'MASK',
      look: 'mask',
      at: 1,
      bits: bitsOf(byte, 0, 1),
      bytes: NO_BYTES,
      meaning: masked ? 'masked, as clients send' : 'not masked, as servers send',
    },
    {
      name: 'Payload len',
      look: 'length',
      at: 1,
      bits: bitsOf(byte, 1, 8),
      bytes: NO_BYTES,
      meaning: extended ?? `${counted(short, 'byte')} of payload`,
    },
  ];
}

/** Returns the fields of the header that `head` begins; what is missing of it is left out. */
export function fieldsOf(head: Uint8Array): Field[] {
  if (!head.length) return [];
  const fields = firstByte(head[0]!);
  if (head.length < 2) return fields;
  const second = head[1]!;
  fields.push(...secondByte(second));
  const short = second & 0b0111_1111;
  const wide = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (wide) {
    const bytes = head.subarray(2, 2 + wide);
    const whole = bytes.length === wide;
    const length = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    fields.push({
      name: 'Extended payload length',
      look: 'length',
      at: 2,
      bits: '',
      bytes,
      meaning: whole ? `${count(length)} bytes of payload` : `${wide - bytes.length} of its bytes are missing`,
    });
  }
  if (second >= 0b1000_0000) {
    const bytes = head.subarray(2 + wide, 6 + wide);
    fields.push({
      name: 'Masking-key',
      look: 'key',
      at: 2 + wide,
      bits: '',
      bytes,
      meaning:
        bytes.length < 4 ? `${4 - bytes.length} of its bytes are missing` : 'XORed with the payload, over and over',
    });
  }
  return fields;
}

/** Whether `fault` lies in `field`: of a byte that several fields share, in the one its rule speaks of. */
export function faulty(field: Field, fault: Fault, at: number): boolean {
  const byte = fault.offset - at;
  if (field.bytes.length) return byte >= field.at && byte < field.at + field.bytes.length;
  if (byte !== field.at) return false;
  switch (fault.name) {
    case 'FAULT_RESERVED_BITS':
      return field.look === 'reserved' && field.bits === '1';
    case 'FAULT_OPCODE':
    case 'FAULT_CONTINUATION':
      return field.look === 'opcode';
    case 'FAULT_MASKING':
      return field.look === 'mask';
    case 'FAULT_CONTROL':
      return field.look === 'fin' || field.look === 'length';
    default:
      return field.look === 'length';
  }
}
