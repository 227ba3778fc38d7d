#!/usr/bin/env node
/** The command line: `websocket-context serve`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketModule } from '../index.ts';
import { echo } from './echo.ts';

const server = createServer((_request, response) => response.writeHead(426).end('This server speaks WebSocket.\n'));
const module = new WebSocketModule();
module.attach(server, context => echo(context));
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`echoing fragments on ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
