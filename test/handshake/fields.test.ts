/** Header fields: lists and tokens read as RFC 9110 says, and nothing injected when they are written. */
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  checkFields,
  checkProtocols,
  formatFields,
  listContains,
  readSingle,
  readTokens,
} from '../../src/handshake/fields.ts';
import { parseResponse } from '../support/http.ts';

const test = suite('handshake/fields');

const LISTS: [name: string, values: string[] | undefined, tokens: string[]][] = [
  ['an absent field has none', undefined, []],
  ['an empty field has none', [''], []],
  ['one token', ['chat'], ['chat']],
  ['order and case are kept', ['b, A,a'], ['b', 'A', 'a']],
  ['blanks around items are trimmed', [' \tchat \t,\t superchat '], ['chat', 'superchat']],
  ['empty items are skipped', [',, chat ,\t, superchat,'], ['chat', 'superchat']],
  ['several lines are one list', ['a, b', 'c'], ['a', 'b', 'c']],
  ['every token character', ["!#$%&'*+-.^_`|~09azAZ"], ["!#$%&'*+-.^_`|~09azAZ"]],
  ['a duplicate spoils the list', ['a, b, a'], []],
  ['a duplicate on another line spoils the list', ['a', 'a'], []],
  ['a blank within spoils the list', ['a, b c'], []],
  ['a no-break space is no blank', ['a,\u00a0b'], []],
  ['a letter beyond ASCII spoils the list', ['a, \u00e9'], []],
  ...[...'()<>@;:\\"/[]?={}\0\r\n\x7f'].map((each): [string, string[], string[]] => [
    `${JSON.stringify(each)} spoils the list`,
    [`a, b${each}c`],
    [],
  ]),
];
for (const [name, values, tokens] of LISTS) test(name, () => assert.equal(readTokens(values), tokens));

const CONTAINED: [values: string[] | undefined, contained: boolean][] = [
  [undefined, false],
  [[''], false],
  [['upgrade'], true],
  [['UpGrAdE'], true],
  [['keep-alive, Upgrade'], true],
  [['keep-alive ,\tUpgrade\t , close'], true],
  [['keep-alive', 'Upgrade'], true],
  [['h2c/1; x="y", upgrade'], true],
  [['keep-alive'], false],
  [['upgrades'], false],
  [['up grade'], false],
  [['"upgrade"'], false],
  [['upgrade;q=1'], false],
  [['\u00a0upgrade'], false],
];
for (const [values, contained] of CONTAINED) {
  test(`${JSON.stringify(values)} ${contained ? 'has' : 'has not'} upgrade`, () => {
    assert.is(listContains(values, 'upgrade'), contained);
  });
}

test('a single value is one line, trimmed of SP and HT only', () => {
  assert.is(readSingle(undefined), undefined);
  assert.is(readSingle([]), undefined);
  assert.is(readSingle(['13', '13']), undefined);
  assert.is(readSingle(['\t 1 3 \t']), '1 3');
  assert.is(readSingle(['\u00a013']), '\u00a013');
  assert.is(readSingle([' \t ']), '');
});

test('fields become lines, arrays one line each, and what is undefined none', () => {
  const fields = checkFields({ 'X-One': '1', 'x-two': 2, 'Set-Cookie': ['a=b', 'c=d'], Gone: undefined, None: [] });
  assert.is(formatFields(fields), 'X-One: 1\r\nx-two: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n');
});

for (const value of ['a\rb', 'a\nb', 'a\r\nX: y', '\0', '\x7f', '\x1b[31m', '\u00e9', '\u2028', '\u010a', '\ud83d']) {
  test(`the value ${JSON.stringify(value)} is refused`, () => {
    assert.throws(
      () => checkFields({ 'X-A': value }),
      thrown(TypeError, /header X-A may hold .*: remove or encode the rest/),
    );
    assert.throws(() => checkFields({ 'X-A': ['good', value] }), thrown(TypeError, /header X-A may hold/));
  });
}
for (const name of ['', ' ', 'X A', 'X-A:', 'X\r\nY', 'X\n', 'X\0', '\u00e9', '"X"', 'X-A\t']) {
  test(`the name ${JSON.stringify(name)} is refused`, () => {
    assert.throws(() => checkFields({ [name]: 'x' }), thrown(TypeError, /is no header name: use letters/));
  });
}
for (const name of [
  'Connection',
  'UPGRADE',
  'content-length',
  'Transfer-Encoding',
  'Sec-WebSocket-Accept',
  'sec-websocket-protocol',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Key',
  'SEC-WEBSOCKET-VERSION',
]) {
  test(`${name} belongs to the handshake`, () => {
    assert.throws(() => checkFields({ [name]: 'x' }), thrown(TypeError, /is written by the handshake: leave it out/));
  });
}
test('a value that is no text is refused', () => {
  for (const value of [null, true, {}, Symbol('x'), [['x']], { toString: () => 'x\r\n' }]) {
    assert.throws(
      () => checkFields({ 'X-A': value as string }),
      thrown(TypeError, /must be a string, a number or an array/),
    );
  }
});

test('subprotocols are unique tokens in an array', () => {
  assert.equal(checkProtocols(['b', 'A', 'a']), ['b', 'A', 'a']);
  assert.throws(() => checkProtocols('chat' as unknown as string[]), thrown(TypeError, /as an array/));
  assert.throws(() => checkProtocols(['a', 'b', 'a']), thrown(TypeError, /given twice/));
  for (const bad of ['', 'a b', 'a,b', 'a\r\nX: y', '\u00e9', 'a/b', 7, null]) {
    assert.throws(() => checkProtocols(['a', bad as string]), thrown(TypeError, /is no HTTP token/));
  }
});

test('whatever the application gives, a reader sees those fields and no others, or it is refused', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('\r', '\n', '\0', ':', ' ', 'a', 'X', '\t', '\x85') }),
  );
  const plain = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '\t', ':', ','), maxLength: 8 });
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('X-A', 'x-b', 'Date', '__proto__', 'toString') },
    { weight: 1, arbitrary: fc.constant('Connection') },
    { weight: 1, arbitrary: text },
  );
  const one = fc.oneof({ weight: 8, arbitrary: plain }, { weight: 1, arbitrary: text });
  const value = fc.oneof(one, fc.array(one, { maxLength: 3 }), fc.integer());
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 3 }), async entries => {
      let fields: [string, string][];
      try {
        fields = checkFields(Object.fromEntries(entries));
      } catch (error) {
        assert.instance(error, TypeError);
        return;
      }
      written += fields.length;
      const response = await parseResponse(() => `HTTP/1.1 200 OK\r\n${formatFields(fields)}Content-Length: 0\r\n\r\n`);
      const expected = [...fields, ['Content-Length', '0']].map(([key, seen]) => [
        key,
        seen!.replace(/^[ \t]+|[ \t]+$/g, ''),
      ]);
      const raw = response.rawHeaders;
      assert.equal(
        Array.from({ length: raw.length / 2 }, (_, index) => [
          raw[2 * index],
          raw[2 * index + 1]!.replace(/[ \t]+$/, ''),
        ]),
        expected,
      );
    }),
    { seed: 6455, numRuns: 500 },
  );
  assert.ok(written > 300, `only ${written} fields were written`);
});

function thrown(kind: typeof TypeError, message: RegExp) {
  return (error: Error) => error instanceof kind && message.test(error.message);
}

test('headers that are no plain object would be lost: they are refused with the way out', () => {
  class Mine {
    authorization = 'Bearer 1';
  }
  const pairs = [['authorization', 'Bearer 1']];
  for (const given of [new Headers({ a: 'b' }), new Map([['a', 'b']]), pairs, pairs[0], new Mine(), 'a: b', 5, null]) {
    assert.throws(
      () => checkFields(given as never),
      (error: Error) => error instanceof TypeError && /pass Object\.fromEntries\(headers\)/.test(error.message),
    );
  }
  const plain = { authorization: 'Bearer 1' };
  for (const given of [plain, Object.assign(Object.create(null), plain), runInNewContext(JSON.stringify([plain]))[0]]) {
    assert.equal(checkFields(given), pairs);
  }
});

test.run();
