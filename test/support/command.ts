/** The command line as a shell runs it: arguments and input in, output and exit code out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
}

/** Runs a command with this input until it ends. */
export function run(
  args: readonly string[],
  input: string | Uint8Array = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const child = start(args, env);
  child.stdin!.on('error', () => {}).end(input);
  return ended(child);
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  let err = '';
  child.stdout!.on('data', chunk => out.push(chunk));
  child.stderr!.on('data', chunk => (err += chunk));
  const code = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { code, out: Buffer.concat(out), err };
}

export interface Serving {
  readonly child: ChildProcess;
  readonly end: Promise<Ended>;
  /** Where it echoes, and where its page is. */
  readonly url: string;
  readonly page: string;
}

/** Starts `serve` on a free port, and waits until it listens. */
export async function serve(...args: string[]): Promise<Serving> {
  const child = start(['serve', '--port', '0', ...args]);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', chunk => {
      said += chunk;
      if (said.includes('page on ')) resolve();
    });
    child.on('close', code => reject(new Error(`serve ended with ${code}`)));
  });
  const [, url, page] = /echo on (\S+)\npage on (\S+)/.exec(said)!;
  return { child, end: ended(child), url: url!, page: page! };
}
