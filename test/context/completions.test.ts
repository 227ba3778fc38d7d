/** Completions: when they run, what may be called from inside, and what becomes of those that throw. */

import { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { E_ILLEGAL_METHOD_CALL, E_OPERATION_ABORTED, S_OK } from '../../src/context/hresult.ts';
import { FragmentResult, type WebSocketCompletion } from '../../src/context/result.ts';
import { linkPair } from '../support/link.ts';
import { engine, leaveNothing, open, openOn, openPair, ROLES, turns } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import type { Watched } from '../support/watched.ts';

const test = suite('context/completions');
test.after.each(leaveNothing);

/** Delivers at once, from inside the write. */
class Sudden extends Duplex {
  other!: Sudden;
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.other.push(Buffer.from(chunk));
    done();
  }
}

function suddenPair(): [Sudden, Sudden] {
  const one = new Sudden();
  const other = new Sudden();
  one.other = other;
  other.other = one;
  return [one, other];
}

/** The errors that reach the process while `work` runs. */
async function uncaught(work: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  process.on('uncaughtException', note);
  await work();
  await turns();
  process.off('uncaughtException', note);
  return errors;
}

/** Every call that a context has, made from inside a completion. */
const CALLS: Record<string, (context: Watched) => void> = {
  'readFragment with a result': context => void context.readNow(),
  'readFragment without': context => void context.readFragment(null, true, () => {}),
  'writeFragment with a result': context => void context.writeNow('inside'),
  'writeFragment without': context => void context.writeFragment(Buffer.from('inside'), true, true, true, () => {}),
  'writeFragment of a large payload': context =>
    void context.writeFragment(pattern(100_000), true, false, true, () => {}),
  sendConnectionClose: context => void context.closeNow(),
  getCloseStatus: context => void context.status,
  closeTcpConnection: context => context.closeTcpConnection(),
  cancelOutstandingIO: context => context.cancelOutstandingIO(),
  cleanupStoredContext: context => context.cleanupStoredContext(),
  ping: context => void context.context.ping().catch(() => {}),
};

for (const role of ROLES) {
  for (const [name, call] of Object.entries(CALLS)) {
    test(`${role}: ${name} may be called from inside every completion`, async () => {
      const { context, peer } = open(role);
      let ran = 0;
      const inside: WebSocketCompletion = () => {
        ran++;
        call(context);
      };
      context.readFragment(null, true, inside);
      peer.send({ opcode: 1, data: Buffer.from('one') }, { opcode: 1, data: Buffer.from('two') });
      await turns();
      assert.is(ran, 1, 'in a read');
      const writer = open(role);
      writer.context.writeFragment(Buffer.from('x'), true, true, true, () => {
        ran++;
        call(writer.context);
      });
      await turns();
      assert.is(ran, 2, 'in a write');
      const closer = open(role);
      closer.context.sendConnectionClose(true, 1000, null, () => {
        ran++;
        call(closer.context);
      });
      await turns();
      assert.is(ran, 3, 'in a CLOSE');
      const aborted = open(role);
      aborted.context.readFragment(null, true, () => {
        ran++;
        call(aborted.context);
      });
      aborted.context.cancelOutstandingIO();
      await turns();
      assert.is(ran, 4, 'in a cancelled read');
      const last = open(role);
      last.context.readFragment(null, true, () => {
        ran++;
        call(last.context);
      });
      last.context.cleanupStoredContext();
      assert.is(ran, 5, 'in a cleanup');
      await turns();
    });
  }

  test(`${role}: a read made inside a read's completion may finish inline with the next piece`, async () => {
    const { context, peer } = open(role);
    const texts: string[] = [];
    const result = new FragmentResult();
    const done = new Promise<void>(resolve => {
      const onRead: WebSocketCompletion = (hr, _ctx, _cb, _utf8, _final, _close, data) => {
        if (hr !== S_OK) return;
        texts.push(`pending ${Buffer.from(data)}`);
        for (;;) {
          context.readFragment(null, true, onRead, 0, result);
          if (result.completionExpected) break;
          texts.push(`inline ${Buffer.from(result.data)}`);
        }
        resolve();
      };
      context.readFragment(null, true, onRead);
    });
    peer.send(...['one', 'two', 'three'].map(text => ({ opcode: 1, data: Buffer.from(text) })));
    await done;
    assert.equal(texts, ['pending one', 'inline two', 'inline three']);
  });

  test(`${role}: an echo by completions is lent every piece of a packet where it lies`, async () => {
    const { context, peer } = open(role);
    const lent: boolean[] = [];
    const read = (): void => {
      context.readFragment(null, true, (hr, _ctx, _cb, utf8, final, _close, data) => {
        if (hr !== S_OK) return;
        lent.push(data.buffer === engine.memory.buffer);
        context.writeFragment(data, true, utf8, final, read);
      });
    };
    read();
    peer.send(...Array.from({ length: 20 }, (_, at) => ({ opcode: 1, data: Buffer.from(`${at}`) })));
    for (let at = 0; at < 20; at++) assert.is(await peer.next(), `text "${at}"`);
    assert.equal(lent, Array(20).fill(true));
  });

  test(`${role}: completions that always ask again let others have their turn`, async () => {
    const { context } = open(role);
    let writes = 0;
    let stop = false;
    const again: WebSocketCompletion = () => {
      writes++;
      if (!stop) context.writeFragment(Buffer.from('x'), true, true, true, again);
    };
    again(S_OK, 0, 0, true, true, false, new Uint8Array());
    await turns(20);
    stop = true;
    await turns();
    assert.ok(writes > 20);
    assert.is(context.pending, 0);
  });

  test(`${role}: what is due for several connections runs, each once, whatever happens inside`, async () => {
    const wired = Array.from({ length: 20 }, () => open(role));
    const ran: number[] = [];
    for (const [index, { context }] of wired.entries()) {
      context.writeFragment(Buffer.from('x'), true, true, true, () => {
        ran.push(index);
        if (index === 3) wired[10]!.context.cleanupStoredContext();
        if (index === 4) wired[11]!.context.cancelOutstandingIO();
        if (index === 5) wired[12]!.context.closeTcpConnection();
      });
    }
    await turns();
    assert.equal(
      [...ran].sort((a, b) => a - b),
      Array.from(wired.keys()),
    );
  });

  // ── completions that throw ──

  test(`${role}: a completion that throws is an uncaught exception, and disturbs nothing`, async () => {
    const { context, peer } = open(role);
    const other = open(role);
    const error = new Error('of the application');
    const texts: string[] = [];
    const errors = await uncaught(async () => {
      context.readFragment(null, true, () => {
        context.readFragment(null, true, (_hr, _ctx, _cb, _utf8, _final, _close, data) => {
          texts.push(Buffer.from(data).toString());
        });
        throw error;
      });
      const reading = other.context.read();
      peer.send({ opcode: 1, data: Buffer.from('one') }, { opcode: 1, data: Buffer.from('two') });
      other.peer.text('other');
      texts.push((await reading).text);
    });
    assert.equal(errors, [error]);
    assert.equal(texts.sort(), ['other', 'two']);
  });

  test(`${role}: write, CLOSE, cancelled and cleaned-up completions may throw too`, async () => {
    const errors = await uncaught(async () => {
      const fail = (name: string) => () => {
        throw new Error(name);
      };
      const { context } = open(role);
      context.writeFragment(Buffer.from('x'), true, true, true, fail('write'));
      await turns();
      context.sendConnectionClose(true, 1000, null, fail('close'));
      await turns();
      context.readFragment(null, true, fail('cancel'));
      context.cancelOutstandingIO();
      await turns();
      context.readFragment(null, true, fail('cleanup'));
      context.cleanupStoredContext();
      assert.is(context.pending, 0);
    });
    assert.equal(
      errors.map(error => (error as Error).message),
      ['write', 'close', 'cancel', 'cleanup'],
    );
  });

  test(`${role}: whatever throws where a completion is due, those of others run, in this turn and the next`, async () => {
    const error = new Error('of nobody');
    const complete = () => {
      throw error;
    };
    let ran = 0;
    const errors = await uncaught(async () => {
      for (let times = 0; times < 2; times++) {
        engine.turn.due({ complete });
        open(role).context.writeFragment(Buffer.from('x'), true, true, true, () => ran++);
        engine.turn.due({ complete });
        await turns();
      }
    });
    assert.equal(errors, [error, error, error, error]);
    assert.is(ran, 2);
  });

  // ── work inside work ──

  test(`${role}: a connection accepted inside a completion, with bytes behind its handshake, is a turn in a turn`, async () => {
    const writers = Array.from({ length: 6 }, () => open(role));
    const [near, far] = linkPair();
    let inner: Watched | undefined;
    let ran = 0;
    const { peer } = open(role);
    const head = Buffer.concat(
      ['head', 'more'].map(text => Buffer.from(peer.frame({ opcode: 1, data: Buffer.from(text) }))),
    );
    for (const { context } of writers) {
      context.writeFragment(Buffer.from('x'), true, true, true, () => {
        ran++;
        context.writeNow('y');
        if (inner) return;
        inner = openOn(near, role, {}, head);
        inner.writeFragment(Buffer.from('hello'), true, true, true, () => ran++);
      });
    }
    await turns();
    assert.is(ran, 7, 'every completion runs');
    assert.equal([inner!.readNow().text, inner!.readNow().text], ['head', 'more']);
    for (const writer of writers) assert.equal(writer.peer.here(), ['text "x"', 'text "y"']);
    assert.ok(far.read());
  });

  test(`${role}: streams that deliver from inside a write do not disturb the turn`, async () => {
    const [one, other] = suddenPair();
    const left = openOn(one, role);
    const right = openOn(other, role === 'server' ? 'client' : 'server');
    let rounds = 0;
    const done = new Promise<void>(resolve => {
      const relay = (context: Watched): void => {
        context.readFragment(null, true, (_hr, _ctx, _cb, utf8, final, _close, data) => {
          if (++rounds === 1000) return resolve();
          context.writeFragment(data, true, utf8, final, () => relay(context));
        });
      };
      relay(left);
      relay(right);
      for (let at = 0; at < 5; at++) left.writeNow(`ball ${at}`);
    });
    await done;
    assert.ok(rounds >= 1000);
  });

  test(`${role}: a completion that makes another connection receive at once loses none that is due beside it`, async () => {
    const [one, other] = suddenPair();
    const left = openOn(one, role, { sendBufferLimit: 1 });
    const right = openOn(other, role === 'server' ? 'client' : 'server');
    const beside = Array.from({ length: 8 }, () => open(role));
    const later = Array.from({ length: 4 }, () => open(role));
    const ran = new Set<string>();
    const write = (name: string, context: Watched, then = () => {}): void => {
      context.writeFragment(Buffer.from(name), true, true, true, () => {
        ran.add(name);
        then();
      });
    };
    const received = new Promise<void>(resolve => {
      right.readFragment(null, true, () => {
        write('right', right, () => {
          for (const [at, { context }] of later.entries()) write(`later ${at}`, context);
        });
        resolve();
      });
    });
    write('first', open(role).context, () => {
      // The second finds the limit reached, and has the first sent before it is judged.
      left.writeNow('delivered inside');
      left.writeNow('the completion');
    });
    for (const [at, { context }] of beside.entries()) write(`beside ${at}`, context);
    await received;
    await turns();
    assert.is(ran.size, 2 + beside.length + later.length);
  });

  // ── cleanup ──

  test(`${role}: cleanupStoredContext completes what is pending inside the call, once, with E_OPERATION_ABORTED`, async () => {
    const { context, peer, near } = open(role, { sendBufferLimit: 8 });
    near.hold();
    context.writeNow('fills what may be unsent');
    await turns();
    const told: number[] = [];
    context.readFragment(null, true, hr => told.push(hr));
    context.writeFragment(Buffer.from('waits'), true, true, true, hr => told.push(hr));
    context.cleanupStoredContext();
    assert.equal(told, [E_OPERATION_ABORTED, E_OPERATION_ABORTED]);
    assert.is(context.cleaned, 1);
    context.cleanupStoredContext();
    assert.is(context.cleaned, 1);
    await peer.end();
    assert.equal(peer.here(), []);
    await turns();
    assert.is(context.context.stats.sendBuffered, 0);
  });

  test(`${role}: cleanup drops what was received, and later calls fail inline`, async () => {
    const { context, peer } = open(role);
    peer.text('unread');
    await turns();
    context.cleanupStoredContext();
    assert.not.ok(context.readNow().hr === S_OK);
    assert.not.ok(context.writeNow('x').hr === S_OK);
    assert.not.ok(context.closeNow().hr === S_OK);
    context.closeTcpConnection();
    context.cancelOutstandingIO();
    await turns();
    assert.is(context.context.stats.receiveBuffered, 0);
  });

  test(`${role}: cleanup inside a large write gives its page back when the socket is gone`, async () => {
    const { context, near } = open(role);
    near.hold();
    const writing = context.write(pattern(1_000_000));
    await turns();
    context.cleanupStoredContext();
    assert.is((await writing).hr, E_OPERATION_ABORTED);
    await turns();
    assert.is(context.context.stats.sendBuffered, 0);
  });

  test(`${role}: a completion run by cleanup may not start the next call`, () => {
    const { context } = open(role);
    let after: number | undefined;
    context.readFragment(null, true, () => {
      after = context.readFragment(null, true, () => {});
    });
    context.cleanupStoredContext();
    assert.ok(after);
  });

  test(`${role}: a walk whose reader cleans up in the middle ends there`, async () => {
    const { context, peer } = open(role);
    let reads = 0;
    context.readFragment(null, true, () => {
      reads++;
      context.cleanupStoredContext();
    });
    peer.send(...Array.from({ length: 50 }, () => ({ opcode: 1, data: Buffer.from('x') })), { opcode: 15 });
    await turns();
    assert.is(reads, 1);
    assert.is(context.context.fault, undefined);
    assert.is(context.context.stats.receiveBuffered, 0);
  });
}

test('an echo inside completions returns a hundred messages in order, both ways at once', async () => {
  const { server, client } = openPair();
  const echo = (context: Watched): void => {
    const hr = context.readFragment(null, true, (hr, _ctx, _cb, utf8, final, close, data) => {
      if (hr !== S_OK || close) return;
      context.writeFragment(data, true, utf8, final, () => echo(context));
    });
    assert.ok(hr === S_OK || hr !== E_ILLEGAL_METHOD_CALL);
  };
  echo(server);
  for (let at = 0; at < 100; at++) {
    const reading = client.read();
    client.writeNow(`message ${at}`);
    assert.is((await reading).text, `message ${at}`);
  }
});

test.run();
