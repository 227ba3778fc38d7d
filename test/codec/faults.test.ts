/** The table of faults: every rule of abi.ts has one row, and says nothing that the peer sent. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as abi from '../../assembly/abi.ts';
import { FAULTS, ProtocolFault } from '../../src/codec/faults.ts';

const test = suite('faults');
const rules = Object.entries(abi).filter(([name]) => name.startsWith('FAULT_'));

test('every FAULT_* has exactly one row, under its own name', () => {
  assert.ok(rules.length > 0);
  assert.equal([...FAULTS].map(([rule, { name }]) => [name, rule]).sort(), rules.sort());
});

test('the numbers differ, fit a byte of the record, and leave 0 for no fault', () => {
  const numbers = rules.map(([, number]) => number as number);
  assert.is(new Set(numbers).size, numbers.length);
  assert.ok(numbers.every(number => number > 0 && number < 256));
});

test('a CLOSE says 1007 of text, 1009 of size and 1002 of all else (§7.4.1)', () => {
  for (const { name, closeCode } of FAULTS.values()) {
    assert.is(closeCode, name === 'FAULT_UTF8' ? 1007 : name === 'FAULT_TOO_BIG' ? 1009 : 1002, name);
  }
});

test('each message is one lower-case sentence that names its section', () => {
  const messages = [...FAULTS.values()].map(({ message }) => message);
  assert.is(new Set(messages).size, messages.length);
  for (const message of messages)
    assert.match(message, /^(?!.*\. )[a-z].*\(§[\d.]+\)$|^text is not valid UTF-8 \(§8\.1\)$/);
});

test('a ProtocolFault carries its row and the offset', () => {
  const row = FAULTS.get(abi.FAULT_UTF8)!;
  const fault = new ProtocolFault(row, 7);
  assert.equal([fault.fault, fault.closeCode, fault.message, fault.offset], [row.name, row.closeCode, row.message, 7]);
});

test.run();
