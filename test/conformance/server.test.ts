/** The rules of RFC 6455, case by case, against our server. */
import { serverTarget } from '../support/conformance.ts';
import { rulesOf } from './rules.ts';

const test = rulesOf(await serverTarget());

test.run();
