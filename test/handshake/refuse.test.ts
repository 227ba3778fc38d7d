/** Refusals as text: whole HTTP responses that close. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { composeRefusal } from '../../src/handshake/index.ts';
import { parseResponse } from '../support/http.ts';

const test = suite('handshake/refuse');

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

test('a refusal is a whole response that closes', () => {
  assert.is(
    composeRefusal(403, { headers: { Date: DATE }, body: 'no' }),
    `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nDate: ${DATE}\r\n\r\nno`,
  );
});

test('without a body it says its own phrase, and an empty body is empty', () => {
  assert.match(composeRefusal(401), /\r\nContent-Length: 12\r\n\r\nUnauthorized$/);
  assert.match(composeRefusal(401, { body: '' }), /\r\nContent-Length: 0\r\n\r\n$/);
});

test('a refusal is dated', () => {
  assert.match(composeRefusal(404), /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
});

test('426 says what to upgrade to', () => {
  assert.match(
    composeRefusal(426),
    /^HTTP\/1\.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
  );
});

test('Content-Length counts bytes of UTF-8', async () => {
  const text = Buffer.from(composeRefusal(503, { body: 'später – 後で' })).toString('latin1');
  const response = await parseResponse(() => text);
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  assert.is(body, 'später – 後で');
  assert.is(response.headers['content-length'], '18');
});

test('extra headers are sent, and may say another Content-Type and Date', async () => {
  const headers = {
    Location: 'https://example.com/login',
    'Set-Cookie': ['a=b', 'c=d'],
    'content-type': 'text/html',
    date: DATE,
  };
  const response = await parseResponse(() => composeRefusal(302, { headers, body: '<p>' }));
  assert.is(response.statusCode, 302);
  assert.is(response.statusMessage, 'Found');
  assert.is(response.headers.location, 'https://example.com/login');
  assert.equal(response.headers['set-cookie'], ['a=b', 'c=d']);
  assert.equal(response.headersDistinct['content-type'], ['text/html']);
  assert.equal(response.headersDistinct.date, [DATE]);
});

test('a status without a phrase is sent without one', async () => {
  const response = await parseResponse(() => composeRefusal(499));
  assert.is(response.statusCode, 499);
  assert.is(response.headers['content-length'], '0');
});

for (const status of [0, 100, 101, 200, 204, 304, 299, 600, 404.5, Number.NaN, '404']) {
  test(`${JSON.stringify(status)} refuses nothing`, () => {
    assert.throws(
      () => composeRefusal(status as number),
      (error: Error) => error instanceof RangeError && /from 300 to 599/.test(error.message),
    );
  });
}

test('headers that cannot be sent throw', () => {
  assert.throws(() => composeRefusal(302, { headers: { Location: '/\r\nX: y' } }), /remove or encode the rest/);
  assert.throws(() => composeRefusal(302, { headers: { 'Location\r\nX': '/' } }), /is no header name/);
  for (const name of ['Connection', 'Content-Length', 'Transfer-Encoding', 'Upgrade', 'Sec-WebSocket-Accept']) {
    assert.throws(() => composeRefusal(400, { headers: { [name]: '1' } }), /leave it out/);
  }
});

test.run();
