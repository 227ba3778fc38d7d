/** cleanupStoredContext inside every callback that there is: the context's life ends there, once, and nothing is left. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { E_OPERATION_ABORTED, FAILED } from '../../src/context/hresult.ts';
import { engine, leaveNothing, open, ROLES, turns, type Wired, watch } from '../support/pair.ts';
import { pattern } from '../support/peer.ts';
import { CARRIERS, serve, stopAll } from '../support/serve.ts';

const test = suite('faults/cleanup');
test.after.each(stopAll);
test.after.each(leaveNothing);

/** Brings a callback about, which calls `inside`. */
const CALLBACKS: Record<string, (wired: Wired, inside: () => void) => void> = {
  'a read of a piece, with others behind it': ({ context, peer }, inside) => {
    context.readFragment(null, true, inside);
    peer.send({ opcode: 1, data: Buffer.from('one') }, { opcode: 2, data: pattern(70_000) }, { opcode: 9 });
  },
  'a read of a part of a piece': ({ context, peer }, inside) => {
    context.readFragment(new Uint8Array(3), true, inside);
    peer.text('longer than three');
  },
  'a read of CLOSE': ({ context, peer }, inside) => {
    context.readFragment(null, true, inside);
    peer.close(1000);
  },
  'a read of a fault': ({ context, peer }, inside) => {
    context.readFragment(null, true, inside);
    peer.send({ opcode: 3 });
  },
  'a read of the end': ({ context, peer }, inside) => {
    context.readFragment(null, true, inside);
    peer.stream.end();
  },
  'a read of a reset': ({ context, far }, inside) => {
    context.readFragment(null, true, inside);
    far.reset();
  },
  'a read that was cancelled': ({ context }, inside) => {
    context.readFragment(null, true, inside);
    context.cancelOutstandingIO();
  },
  'a read that closeTcpConnection aborted': ({ context }, inside) => {
    context.readFragment(null, true, inside);
    context.closeTcpConnection();
  },
  'a small write': ({ context }, inside) => {
    context.writeFragment(pattern(100), true, false, true, inside);
  },
  'a large write': ({ context }, inside) => {
    context.writeFragment(pattern(300_000), true, false, true, inside);
  },
  'a large write that was cancelled': ({ context, near }, inside) => {
    near.hold();
    context.writeFragment(pattern(300_000), true, false, true, inside);
    setImmediate(() => {
      context.cancelOutstandingIO();
      near.release();
    });
  },
  'a large write inside which the connection was reset': ({ context, near, far }, inside) => {
    near.hold();
    context.writeFragment(pattern(300_000), true, false, true, inside);
    setImmediate(() => far.reset());
  },
  'a CLOSE': ({ context }, inside) => {
    context.sendConnectionClose(true, 1000, null, inside);
  },
  'a PONG': ({ context, peer }, inside) => {
    context.context.ping(Buffer.from('p')).then(inside);
    peer.send({ opcode: 10, data: Buffer.from('p') });
  },
  'a ping that fails': ({ context, far }, inside) => {
    context.context.ping().catch(inside);
    far.reset();
  },
};

for (const role of ROLES) {
  for (const [name, bring] of Object.entries(CALLBACKS)) {
    test(`${role}: inside ${name}`, async () => {
      const wired = open(role);
      const { context } = wired;
      let ran = 0;
      await new Promise<void>(resolve => {
        bring(wired, () => {
          ran++;
          context.cleanupStoredContext();
          assert.is(engine.memory.records.taken, 0, 'its record is back');
          resolve();
        });
      });
      await turns();
      assert.equal([ran, context.cleaned, context.pending], [1, 1, 0]);
      assert.ok(FAILED(context.writeNow('late').hr));
      assert.ok(wired.near.destroyed);
    });
  }

  test(`${role}: inside the completion of another call that it ends itself`, async () => {
    const { context, near } = open(role);
    near.hold();
    const told: number[] = [];
    context.readFragment(null, true, hr => {
      told.push(hr);
      context.cleanupStoredContext();
    });
    context.writeFragment(pattern(300_000), true, false, true, hr => {
      told.push(hr);
      context.cleanupStoredContext();
    });
    context.cleanupStoredContext();
    assert.equal(told, [E_OPERATION_ABORTED, E_OPERATION_ABORTED]);
    assert.is(context.cleaned, 1);
  });
}

// Node's pair in memory does not tell one end that the other is destroyed.
for (const carrier of CARRIERS.filter(each => !each.endsWith('duplex'))) {
  test(`${carrier}: inside onContext, and a client sees the connection end`, async () => {
    const served = await serve(context => context.cleanupStoredContext(), carrier);
    const client = watch(await served.connect());
    await client.read();
    assert.is(served.module.size, 0);
    await served.stop();
  });
}

for (const event of ['accepted', 'connected', 'fault', 'closed']) {
  test(`inside the diagnostics channel '${event}'`, async () => {
    const channel = `websocket-context:${event}`;
    let told = 0;
    const listener = (message: unknown) => {
      told++;
      (message as { context: WebSocketContext }).context.cleanupStoredContext();
    };
    subscribe(channel, listener);
    const served = await serve(context => {
      if (event === 'closed') context.cleanupStoredContext();
      else context.readFragment(null, true, () => {});
    });
    const client = await served.connect();
    if (event === 'fault') client.writeFragment(Buffer.of(0xff), true, true, true, () => {});
    await new Promise(resolve => {
      const hr = client.readFragment(null, true, resolve);
      if (FAILED(hr)) resolve(hr);
    });
    unsubscribe(channel, listener);
    client.cleanupStoredContext();
    await served.stop();
    assert.ok(told >= 1);
    assert.is(engine.memory.records.taken, 0);
  });
}

test.run();
