/** 'websocket-context/codec': frames of RFC 6455 in linear memory, in Node.js, pages and workers. */
export { OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT } from '../../assembly/abi.ts';
export { Codec, type DecoderOptions, type FrameInit } from './codec.ts';
export type { Decoder, Fragment, Role } from './decoder.ts';
export { ProtocolFault } from './faults.ts';
export type { FrameHeader } from './header.ts';
