/** `npm run bench [mask | utf8 | decode ...]`: the kernels and the decoder beside what a Node user has today. */
import { benchDecode } from './decode.ts';
import { benchMask } from './mask.ts';
import { printPlace } from './table.ts';
import { benchUtf8 } from './utf8.ts';

const BENCHES: Readonly<Record<string, () => void>> = { mask: benchMask, utf8: benchUtf8, decode: benchDecode };
const asked = process.argv.slice(2);
const unknown = asked.find(name => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(BENCHES).join(' ')}`);

printPlace();
for (const [name, bench] of Object.entries(BENCHES)) if (!asked.length || asked.includes(name)) bench();
