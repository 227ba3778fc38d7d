/** The rules of RFC 6455, case by case, against our server. */
import { serverTarget } from '../support/conformance.ts';
import { testRules } from './rules.ts';

testRules(await serverTarget());
