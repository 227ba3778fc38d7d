/** What `npm pack` carries: the page and the codec, as the page's server finds them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = new URL('../../../', import.meta.url);

const test = suite('pack');

test('the package holds every file that the page asks for', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(output.slice(output.indexOf('[')));
  const packed = new Set<string>(files.map(({ path }: { path: string }) => path));
  for (const name of ['src/page/index.html', 'src/page/icon.svg', 'src/codec/index.js', 'assembly/relaxed.js'])
    assert.ok(packed.has(`dist/${name}`), name);
  const html = readFileSync(new URL('dist/src/page/index.html', ROOT), 'utf8');
  for (const [, path] of html.matchAll(/(?:href|src)="\/([^"]+)"/g)) assert.ok(packed.has(`dist/${path}`), path);
  const modules = [...packed].filter(path => /^dist\/src\/(page|codec)\/.*\.js$/.test(path));
  assert.ok(modules.length > 20);
  for (const module of modules) {
    const code = readFileSync(new URL(module, ROOT), 'utf8');
    for (const [, path] of code.matchAll(/(?:from |new URL\()'(\.[^']+\.js)'/g))
      assert.ok(packed.has(new URL(path!, `file:///${module}`).pathname.slice(1)), `${path} of ${module}`);
  }
});

test.run();
