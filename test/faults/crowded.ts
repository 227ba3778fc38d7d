/** The server of descriptors.test.ts, a process of its own: it echoes, dials itself when told to, and reports at its end. */
import { connectWebSocket } from '../../src/client.ts';
import type { WebSocketContext } from '../../src/context/contract.ts';
import { threadEngine } from '../../src/context/engine.ts';
import { Caller } from '../support/caller.ts';
import { serve } from '../support/serve.ts';

const callers = new Set<Caller>();

/** Connects to this very server; tells what came of it. */
function dial(): Promise<string> {
  const left = (context: WebSocketContext) => {
    context.cleanupStoredContext();
    return 'connected';
  };
  return connectWebSocket(served.url).then(left, error => error.code);
}

async function answer(context: WebSocketContext): Promise<void> {
  const caller = new Caller(context);
  callers.add(caller);
  for (;;) {
    const heard = await caller.hear();
    if (heard.kind === 'close' || heard.kind === 'failed') {
      if (heard.kind === 'close') await caller.close(heard.code);
      break;
    }
    await caller.write(heard.data.toString() === 'dial' ? Buffer.from(await dial()) : heard.data);
  }
}

const served = await serve(context => void answer(context).catch(() => {}));
process.send!({ url: served.url });
process.on('disconnect', () => process.exit());
process.on('message', async () => {
  await served.stop();
  const pending = Array.from(callers, caller => caller.pending).reduce((sum, one) => sum + one, 0);
  process.send!({ records: threadEngine().memory.records.taken, pending }, () => process.exit());
});
