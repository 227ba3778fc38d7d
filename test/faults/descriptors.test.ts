/** A process whose file descriptors are all taken: who is connected is served, strangers fail, and get in when there is room. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectWebSocket } from '../../src/client.ts';
import { Caller } from '../support/caller.ts';

const test = suite('faults/descriptors');
const FILES = 64;
const CROWDED = fileURLToPath(new URL('./crowded.js', import.meta.url));

test(`with ${FILES} files a server keeps those it has, takes no more, and takes others when some have gone`, async () => {
  const command = `ulimit -n ${FILES} && exec "${process.execPath}" "${CROWDED}"`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    const join = async () => new Caller(await connectWebSocket(url, { handshakeTimeout: 1000 }));
    const callers: Caller[] = [];
    const echo = async (caller: Caller, text: string) => {
      await caller.write(text);
      const heard = await caller.hear();
      return heard.kind === 'text' || heard.kind === 'binary' ? heard.data.toString() : heard.kind;
    };
    for (let full = false; !full; ) {
      await join().then(
        caller => callers.push(caller),
        () => (full = true),
      );
    }
    assert.ok(callers.length > 10 && callers.length < FILES, `${callers.length} got in`);
    for (const caller of callers) assert.is(await echo(caller, 'there?'), 'there?');
    assert.match(await echo(callers[0]!, 'dial'), /^E[A-Z]+$/, 'a client of its own fails with what the system says');
    for (const caller of callers.splice(1, 10)) {
      await caller.close();
      assert.is((await caller.hear()).kind, 'close');
      await caller.hear();
    }
    const later = await Promise.all(Array.from({ length: 5 }, join));
    for (const caller of [...callers, ...later]) assert.is(await echo(caller, 'still there?'), 'still there?');
    assert.is(await echo(later[0]!, 'dial'), 'connected');
    child.send('stop');
    const [report] = await once(child, 'message');
    assert.equal(report, { records: 0, pending: 0 });
    for (const caller of [...callers, ...later]) caller.cleanupStoredContext();
  } finally {
    child.kill();
  }
});

test.run();
