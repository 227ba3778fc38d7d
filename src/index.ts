/** 'websocket-context': the WebSocket fragment engine for Node.js. */

export { type ConnectOptions, connectWebSocket } from './client.ts';
export type { Fault } from './codec/faults.ts';
export { type ConnectionOptions, type ConnectionState, WebSocketConnection } from './connection/connection.ts';
export type { ReceivedFragment } from './connection/fragment.ts';
export type { Message } from './connection/message.ts';
export type { ReceiveOptions } from './connection/reader.ts';
export type { SendOptions } from './connection/writer.ts';
export type {
  IHttpStoredContext,
  IWebSocketContext,
  Stats,
  WebSocketContext,
  WebSocketOptions,
} from './context/contract.ts';
export { WebSocketError } from './context/error.ts';
export * from './context/hresult.ts';
export { CloseStatus, FragmentResult, type WebSocketCompletion } from './context/result.ts';
export type { AcceptedEvent, ClosedEvent, ConnectedEvent, FaultEvent, RefusedEvent } from './diagnostics.ts';
export { type AcceptOptions, HandshakeError } from './handshake/index.ts';
export { WebSocketModule } from './server.ts';
