/** The rules of RFC 6455, case by case, against our client. */
import { clientTarget } from '../support/conformance.ts';
import { testRules } from './rules.ts';

testRules(await clientTarget());
