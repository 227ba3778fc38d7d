/**
 * The map of linear memory, and the record laid over it. Nothing in it moves once an engine runs.
 *
 *   0x0_0000  cells, and the tables of the UTF-8 kernels
 *   0x0_1000  fragments: what one decode answers, 12 bytes each
 *   0x1_1700  room in front of the window, 256 bytes
 *   0x1_1800  the window, 256 KiB: the socket reads here
 *   0x5_2000  decoder records, 192 bytes each, a free list
 *   ...       send pages, 64 KiB each, a free list, to the end
 *
 * Window and page bases differ by 2,048 modulo 4,096: a copy whose target lies 0 to 31 bytes behind its source
 * modulo 4,096 runs at a fraction of the speed, and window + 0 to page + header is exactly that copy.
 */
import { RECORD_SIZE } from "./abi";

// ╒══════════════════════ Decoder: one per connection ═══════════════════════╕
// │   0  remaining     u64  payload bytes of this frame not yet seen          │
// │   8  messageSize   u64  payload bytes that this message's headers promise │
// │  16  messageLimit  u64  longest message accepted, 0 for no limit          │
// │  24  key           u32  masking key, rotated to the next payload byte     │
// │  28  unfinished    u32  an unfinished UTF-8 character, as in utf8.ts      │
// │  32  message       u8   opcode of the open message, 0 between messages    │
// │  33  final         u8   this frame ends its message                       │
// │  34  role          u8   ROLE_SERVER reads masked frames                   │
// │  35  validates     u8   text is judged as UTF-8                           │
// │  36  fault         u8   the rule that was broken: the last answer         │
// │  37  closed        u8   CLOSE was read: what follows is not looked at     │
// │  38  carried       u8   how many bytes wait in carry                      │
// │  39  -             u8                                                     │
// │  40  carry         130  the start of a header or of a control frame       │
// └───────────────────────────────────────────────────────────────────────────┘
@unmanaged
export class Decoder {
  remaining: u64;
  messageSize: u64;
  messageLimit: u64;
  key: u32;
  unfinished: u32;
  message: u8;
  final: u8;
  role: u8;
  validates: u8;
  fault: u8;
  closed: u8;
  carried: u8;
  private unused: u8;

  /** Where the carried bytes lie. */
  get carry(): usize {
    return changetype<usize>(this) + offsetof<Decoder>();
  }
}

/** Makes the record at `ptr` a decoder that has seen nothing. */
export function openDecoder(ptr: usize, role: u32, validates: bool, messageLimit: f64): void {
  memory.fill(ptr, 0, RECORD_SIZE);
  const decoder = changetype<Decoder>(ptr);
  decoder.role = <u8>role;
  decoder.validates = u8(validates);
  decoder.messageLimit = <u64>messageLimit;
}
