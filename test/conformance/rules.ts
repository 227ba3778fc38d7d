/** Sections 1 to 7 of the conformance cases, as a suite against one target. */
import { suite, type Test } from 'uvu';
import { judge, type Target } from '../support/conformance.ts';
import { CLOSING } from '../vectors/conformance/closing.ts';
import { FRAGMENTATION } from '../vectors/conformance/fragmentation.ts';
import { FRAMING, OPCODES, RESERVED_BITS } from '../vectors/conformance/framing.ts';
import { PINGS } from '../vectors/conformance/pings.ts';
import { TEXT } from '../vectors/conformance/text.ts';

export function rulesOf(target: Target): Test {
  const sections = { FRAMING, PINGS, RESERVED_BITS, OPCODES, FRAGMENTATION, TEXT, CLOSING };
  const test = suite(`conformance of a ${target.role}`);
  for (const [section, cases] of Object.entries(sections)) {
    for (const each of cases) test(`${section} ${each[0]} ${each[1]}`, () => judge(target, each));
  }
  test.after(() => target.stop());
  return test;
}
