/** The rules of RFC 6455, case by case, against our client. */
import { clientTarget } from '../support/conformance.ts';
import { rulesOf } from './rules.ts';

const test = rulesOf(await clientTarget());

test.run();
