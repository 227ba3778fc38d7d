/** Addresses as RFC 6455 §3 writes them, taken apart, and those that are refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Address, parseAddress } from '../../src/handshake/index.ts';

const test = suite('handshake/address');

const ADDRESSES: [url: string, expected: Partial<Address>][] = [
  ['ws://example.com', { secure: false, hostname: 'example.com', port: 80, host: 'example.com', path: '/' }],
  ['wss://example.com', { secure: true, hostname: 'example.com', port: 443, host: 'example.com', path: '/' }],
  ['http://example.com', { secure: false, port: 80 }],
  ['https://example.com', { secure: true, port: 443 }],
  ['WSS://EXAMPLE.com/Chat', { secure: true, hostname: 'example.com', host: 'example.com', path: '/Chat' }],
  ['ws://example.com:8080/a/b?c=d&e', { port: 8080, host: 'example.com:8080', path: '/a/b?c=d&e' }],
  ['ws://example.com:80', { port: 80, host: 'example.com' }],
  ['ws://example.com:443', { port: 443, host: 'example.com:443' }],
  ['wss://example.com:443', { port: 443, host: 'example.com' }],
  ['wss://example.com:80', { port: 80, host: 'example.com:80' }],
  ['ws://example.com:0', { port: 0, host: 'example.com:0' }],
  ['ws://example.com?q', { path: '/?q' }],
  ['ws://[::1]:3000/', { hostname: '::1', port: 3000, host: '[::1]:3000' }],
  ['wss://[2001:DB8::1]', { hostname: '2001:db8::1', port: 443, host: '[2001:db8::1]' }],
  ['ws://127.0.0.1', { hostname: '127.0.0.1', host: '127.0.0.1' }],
  ['ws://b\u00fccher.example/\u00fc?\u00fc', { hostname: 'xn--bcher-kva.example', path: '/%C3%BC?%C3%BC' }],
  ['ws://example.com/%23%0d%0a', { path: '/%23%0d%0a' }],
  ['ws://exa\r\nmple.com/a\r\nb', { hostname: 'example.com', path: '/ab' }],
  ['ws://example.com/a b', { path: '/a%20b' }],

  ['ws://user:secret@example.com', { host: 'example.com', authorization: 'Basic dXNlcjpzZWNyZXQ=' }],
  ['ws://user@example.com', { authorization: 'Basic dXNlcjo=' }],
  ['ws://:secret@example.com', { authorization: 'Basic OnNlY3JldA==' }],
  ['ws://us%40er:%3A%C3%BC@example.com', { authorization: `Basic ${Buffer.from('us@er::\u00fc').toString('base64')}` }],
  ['ws://example.com', { authorization: undefined, socketPath: undefined }],

  ['ws+unix:/tmp/a.sock', { secure: false, socketPath: '/tmp/a.sock', path: '/', host: 'localhost' }],
  ['ws+unix:/tmp/a.sock:/request?x=:y', { socketPath: '/tmp/a.sock', path: '/request?x=:y' }],
  ['ws+unix:/tmp/a.sock:/a:b', { socketPath: '/tmp/a.sock', path: '/a:b' }],
  ['ws+unix:/tmp/a.sock:', { socketPath: '/tmp/a.sock', path: '/' }],
  ['ws+unix:/tmp/a.sock?x', { socketPath: '/tmp/a.sock', path: '/?x' }],
  ['ws+unix:///tmp/a.sock:/request', { socketPath: '/tmp/a.sock', path: '/request' }],
  ['ws+unix:a.sock:/request', { socketPath: 'a.sock', path: '/request' }],
  ['ws+unix:/tmp/a b%3A%25.sock', { socketPath: '/tmp/a b:%.sock', path: '/' }],
];
for (const [url, expected] of ADDRESSES) {
  test(`${JSON.stringify(url)} is read`, () => {
    for (const address of [parseAddress(url), parseAddress(new URL(url))]) {
      for (const [key, value] of Object.entries(expected)) assert.is(address[key as keyof Address], value, key);
    }
  });
}

const REFUSED: [url: string, message: RegExp][] = [
  ['ws://example.com/#', /no fragment/],
  ['ws://example.com/#a', /no fragment/],
  ['ws+unix:/tmp/a.sock#a', /no fragment/],
  ['ftp://example.com', /begins with ws:, wss:/],
  ['file:///tmp/a.sock', /begins with ws:, wss:/],
  ['wss+unix:/tmp/a.sock', /begins with ws:, wss:/],
  ['localhost:8080', /begins with ws:, wss:/],
  ['ws+unix://tmp/a.sock', /is written ws\+unix:/],
  ['ws+unix:', /is written ws\+unix:/],
  ['ws+unix::/request', /is written ws\+unix:/],
  ['ws+unix:/tmp/a.sock:request', /is written ws\+unix:/],
  ['ws+unix:/tmp/%zz.sock', /write it %25/],
  ['ws://us%3Aer:x@example.com', /holds a colon/],
  ['ws://us%er:x@example.com', /write it %25/],
];
for (const [url, message] of REFUSED) {
  test(`${JSON.stringify(url)} is refused`, () => {
    assert.throws(
      () => parseAddress(url),
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  });
}

test('what is no URL is a TypeError', () => {
  for (const url of ['', '/chat', 'ws://', 'ws://exa mple.com', 'ws://a:99999', 'ws://[::1', 7, null, undefined]) {
    assert.throws(
      () => parseAddress(url as string),
      (error: Error) => error instanceof TypeError,
    );
  }
});

test.run();
