#!/usr/bin/env node
/** The command line: `websocket-context serve`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketModule } from '../index.ts';
import { servePage } from '../page/server.ts';
import { echo } from './echo.ts';

const server = createServer(servePage);
const module = new WebSocketModule();
module.attach(server, context => echo(context));
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`echoing fragments on ws://127.0.0.1:${port}, with a page at http://127.0.0.1:${port}/`);
});
