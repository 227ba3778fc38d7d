/** The door of the room: the opening handshake of both sides, as judgements and text. Nothing here touches a socket. */
export { type Address, parseAddress } from './address.ts';
export { composeRequest, judgeResponse, REQUEST_NAMES, type RequestOptions, type UpgradeRequest } from './client.ts';
export { HandshakeError } from './error.ts';
export { composeRefusal } from './refuse.ts';
export { ACCEPT_NAMES, type AcceptOptions, checkAcceptOptions, type Judgement, judgeUpgrade } from './server.ts';
