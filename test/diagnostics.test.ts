/** What is told to those who watch: the channels, their order and payloads, and the trace. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AcceptedEvent,
  type ClosedEvent,
  type ConnectedEvent,
  connectWebSocket,
  type FaultEvent,
  HandshakeError,
  type RefusedEvent,
  WebSocketConnection,
  WebSocketModule,
} from '../src/index.ts';
import { run, serve } from './support/command.ts';
import { pattern } from './support/peer.ts';

const test = suite('diagnostics');
const NAMES = ['accepted', 'refused', 'connected', 'fault', 'closed'] as const;

/** Collects what is told while `work` runs, and until `count` events have been. */
async function told(count: number, work: (url: string, server: Server) => Promise<void>) {
  const server = createServer();
  const module = new WebSocketModule().attach(server, async context => {
    const connection = new WebSocketConnection(context);
    try {
      for await (const message of connection) await connection.send(message);
    } catch {
      // The peer that breaks a rule ends this so.
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const events: { name: string; event: never }[] = [];
  let wake = () => {};
  const listeners = NAMES.map(name => (event: unknown) => {
    events.push({ name, event: event as never });
    wake();
  });
  for (const [index, name] of NAMES.entries()) subscribe(`websocket-context:${name}`, listeners[index]!);
  await work(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat?room=1`, server);
  while (events.length < count) await new Promise<void>(resolve => (wake = resolve));
  for (const [index, name] of NAMES.entries()) unsubscribe(`websocket-context:${name}`, listeners[index]!);
  server.close();
  await module.close();
  return events;
}

test('a conversation is told at both of its ends', async () => {
  const events = await told(4, async url => {
    const connection = new WebSocketConnection(await connectWebSocket(url));
    await connection.send(pattern(1000));
    for (let bytes = 0; bytes < 1000; ) bytes += (await connection.receive()).data.length;
    await connection.close(4000, 'enough');
  });
  assert.equal(events.map(({ name }) => name).sort(), ['accepted', 'closed', 'closed', 'connected']);
  const of = <T>(name: string, role: string) =>
    events.find(one => one.name === name && (one.event as ClosedEvent).context.role === role)!.event as T;
  const { request } = of<AcceptedEvent>('accepted', 'server');
  assert.is(request.url, '/chat?room=1');
  assert.match(of<ConnectedEvent>('connected', 'client').url, /^ws:.*room=1$/);
  for (const role of ['server', 'client']) {
    const { close, stats } = of<ClosedEvent>('closed', role);
    assert.equal(close, { code: 4000, reason: 'enough' });
    assert.equal([stats.bytesReceived, stats.bytesSent], [1000, 1000]);
  }
});

test('a fault is told with its rule, and the end behind it', async () => {
  const events = await told(3, async url => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\u0081\u0000',
      'latin1',
    );
    socket.resume();
    await once(socket, 'close');
  });
  assert.equal(
    events.map(({ name }) => name),
    ['accepted', 'fault', 'closed'],
  );
  const { fault, context } = events[1]!.event as FaultEvent;
  assert.is(fault.name, 'FAULT_MASKING');
  assert.is(context, (events[0]!.event as AcceptedEvent).context);
  assert.is((events[2]!.event as ClosedEvent).close, undefined);
});

test('a refused upgrade is told with the rule that the client is told of', async () => {
  let known: unknown;
  const events = await told(1, async url => {
    known = await connectWebSocket(url, { origin: 'http://elsewhere.example' }).catch(error => error.status);
  });
  assert.equal([events.length, events[0]!.name, known], [1, 'refused', 403]);
  const { request, error } = events[0]!.event as RefusedEvent;
  assert.is(request.url, '/chat?room=1');
  assert.instance(error, HandshakeError);
  assert.equal([error.status, error.code], [403, 'ERR_HANDSHAKE_ORIGIN']);
});

test('a path that no attach takes is a refusal too', async () => {
  const server = createServer();
  const module = new WebSocketModule().attach(server, () => {}, { path: '/chat' });
  module.attach(server, () => {}, { path: '/news' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const events: RefusedEvent[] = [];
  const listener = (event: unknown) => void events.push(event as RefusedEvent);
  subscribe('websocket-context:refused', listener);
  await connectWebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/other`).catch(() => {});
  unsubscribe('websocket-context:refused', listener);
  assert.equal(
    events.map(({ request, error }) => [request.url, error.code]),
    [['/other', 'ERR_HANDSHAKE_PATH']],
  );
  server.close();
  server.closeAllConnections();
});

test('NODE_DEBUG=websocket-context traces what happens on stderr', async () => {
  const served = await serve();
  const args = ['connect', served.url, '--execute', 'hello', '--wait', '0.1'];
  const { err } = await run(args, '', { NODE_DEBUG: 'websocket-context' });
  served.child.kill('SIGTERM');
  await served.end;
  assert.match(err, /WEBSOCKET-CONTEXT \d+: 1 connected to ws:.*\n/);
  assert.match(err, /WEBSOCKET-CONTEXT \d+: 1 closed, CLOSE 1000, 5 bytes received, 5 sent\n/);
});

test('NODE_DEBUG=websocket-context traces why a server refuses', async () => {
  process.env.NODE_DEBUG = 'websocket-context';
  const served = await serve('--path', '/chat');
  delete process.env.NODE_DEBUG;
  await connectWebSocket(new URL('/other', served.url)).catch(() => {});
  served.child.kill('SIGTERM');
  const { err } = await served.end;
  assert.match(err, /: refused \/other from 127\.0\.0\.1, 404 ERR_HANDSHAKE_PATH: no WebSocket is at this path\n/);
});

test.run();
