/** Runs in a browser, in a page or as a worker: feeds streams to the codec and answers what came of them. */
import { Codec, type DecoderOptions, ProtocolFault } from '../../src/codec/index.ts';

export interface Case {
  readonly options: DecoderOptions;
  readonly stream: Uint8Array | readonly number[];
  /** Bytes fed at once. */
  readonly step: number;
}

/** What playwright carries over: plain arrays. */
export interface Outcome {
  readonly pieces: readonly { readonly opcode: number; readonly final: boolean; readonly data: number[] }[];
  readonly fault: { readonly name: string; readonly offset: number } | undefined;
}

export interface Given {
  readonly cases: readonly Case[];
  readonly texts: readonly (readonly number[])[];
}

export interface Replayed {
  readonly outcomes: readonly Outcome[];
  readonly verdicts: readonly boolean[];
}

function replayOne(codec: Codec, { options, stream, step }: Case): Outcome {
  const bytes = Uint8Array.from(stream);
  const pieces: Outcome['pieces'][number][] = [];
  const decoder = codec.decoder(options);
  try {
    for (let at = 0; at < bytes.length; at += step)
      for (const { opcode, final, data } of decoder.decode(bytes.subarray(at, at + step)))
        pieces.push({ opcode, final, data: Array.from(data) });
    return { pieces, fault: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolFault)) throw error;
    return { pieces, fault: { name: error.fault, offset: error.offset } };
  } finally {
    decoder.free();
  }
}

/** Feeds every case to one codec. */
async function replay(cases: readonly Case[]): Promise<Outcome[]> {
  const codec = await Codec.load();
  return cases.map(one => replayOne(codec, one));
}

/** Whether each text is UTF-8, by a codec that was loaded at once, as workers may. */
function judge(texts: readonly (readonly number[])[]): boolean[] {
  const codec = Codec.loadSync();
  return texts.map(text => codec.isValidUtf8(Uint8Array.from(text)));
}

async function replayBoth({ cases, texts }: Given): Promise<Replayed> {
  return { outcomes: await replay(cases), verdicts: judge(texts) };
}

/** Does both here and in a worker made of this same module, wherever it was bundled to. */
export async function replayTwice(given: Given): Promise<Record<'page' | 'worker', Replayed>> {
  const worker = new Worker(import.meta.url, { type: 'module' });
  const heard = new Promise<MessageEvent<Replayed>>((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = event => reject(new Error(event.message));
  });
  worker.postMessage(given);
  return { page: await replayBoth(given), worker: (await heard).data };
}

if (typeof document === 'undefined')
  addEventListener('message', async ({ data }) => postMessage(await replayBoth(data)));
