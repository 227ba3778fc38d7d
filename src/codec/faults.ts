/** The rules of RFC 6455 that a peer can break, and what a CLOSE frame should say of each (§7.4.1). */
import * as abi from '../../assembly/abi.ts';

export interface Fault {
  /** The rule, as in 'FAULT_RESERVED_BITS'. */
  readonly name: string;
  /** 1002, 1007 or 1009. */
  readonly closeCode: number;
  /** The rule in words; holds nothing that the peer sent. */
  readonly message: string;
}

const ROWS: readonly (readonly [rule: number, name: string, closeCode: number, message: string])[] = [
  [abi.FAULT_RESERVED_BITS, 'FAULT_RESERVED_BITS', 1002, 'a reserved bit is set and no extension is negotiated (§5.2)'],
  [abi.FAULT_OPCODE, 'FAULT_OPCODE', 1002, 'the opcode is reserved (§5.2)'],
  [abi.FAULT_CONTROL, 'FAULT_CONTROL', 1002, 'a control frame is fragmented or longer than 125 bytes (§5.5)'],
  [
    abi.FAULT_CONTINUATION,
    'FAULT_CONTINUATION',
    1002,
    'a message is continued that was not begun, or begun inside another (§5.4)',
  ],
  [abi.FAULT_MASKING, 'FAULT_MASKING', 1002, 'a client frame is not masked, or a server frame is (§5.1)'],
  [abi.FAULT_LENGTH, 'FAULT_LENGTH', 1002, 'the length is not in its shortest form, or over 2^53-1 (§5.2)'],
  [abi.FAULT_TOO_BIG, 'FAULT_TOO_BIG', 1009, 'the message is longer than maxMessageSize (§7.4.1)'],
  [abi.FAULT_UTF8, 'FAULT_UTF8', 1007, 'text is not valid UTF-8 (§8.1)'],
  [abi.FAULT_CLOSE_LENGTH, 'FAULT_CLOSE_LENGTH', 1002, 'a CLOSE payload of one byte holds no status code (§5.5.1)'],
  [abi.FAULT_CLOSE_CODE, 'FAULT_CLOSE_CODE', 1002, 'the status code may not stand in a CLOSE frame (§7.4)'],
];

/** Every rule, by its FAULT_* number. */
export const FAULTS: ReadonlyMap<number, Fault> = new Map(
  ROWS.map(([rule, name, closeCode, message]) => [rule, Object.freeze({ name, closeCode, message })]),
);

/** The peer broke RFC 6455. */
export class ProtocolFault extends Error {
  /** The rule, as in 'FAULT_RESERVED_BITS'. */
  readonly fault: string;
  /** What a CLOSE frame should say: 1002, 1007 or 1009. */
  readonly closeCode: number;
  /** The byte that broke it, counted from the decoder's first. */
  readonly offset: number;

  constructor({ name, closeCode, message }: Fault, offset: number) {
    super(message);
    this.name = 'ProtocolFault';
    this.fault = name;
    this.closeCode = closeCode;
    this.offset = offset;
  }
}
