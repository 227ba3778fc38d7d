/**
 * What a conformance case is: its number in the published list of the Autobahn suite, whose titles these cases follow, a
 * title, the frames that are sent, and the answer that an echo must give. Frames stand unmasked, in the notation of
 * support/wire.ts, one a line; sent to a server they are masked. `fault 1002` is a CLOSE of this side's own making. Where
 * the answer does not end the connection, the case goes on to close it with 1000.
 */
export type Case = readonly [number: string, title: string, frames: readonly string[], answer: string];

export const HELLO = '1 000 0001 | 0 0000101 | "Hello"';
export const PING = '1 000 1001 | 0 0000000';
export const CLOSE = '1 000 1000 | 0 0000010 | 03 e8';
