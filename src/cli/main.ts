#!/usr/bin/env node
/** The command line: picks the command, and turns what it throws into a sentence and an exit code. */
import { readFileSync } from 'node:fs';
import { connect } from './connect.ts';
import { inspect } from './inspect.ts';
import { serve } from './serve.ts';
import { FAILED, type Outcome, printable, stop, UsageError, WRONG_USE } from './terminal.ts';

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<Outcome>>> = { serve, connect, inspect };

const HELP = `websocket-context: a WebSocket server, a client and a frame inspector

  websocket-context serve             an echo server with a page that shows frames
  websocket-context connect URL       talk to a server, by hand or by script
  websocket-context inspect FILE      the frames of a capture or a HAR as a table

  websocket-context COMMAND --help    its options, with examples
  websocket-context --version
`;

async function main([command, ...args]: string[]): Promise<Outcome> {
  if (command === '--version') return `${version()}\n`;
  if (command === undefined || command === '--help' || command === '-h') return HELP;
  const run = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (!run) throw new UsageError(`there is no command '${command}'`);
  return run(args);
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version;
}

// Who read the output has left, as `head` does: nothing is left to do.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') console.error(`websocket-context: ${message}`);
  process.exit(code === 'EPIPE' ? 0 : FAILED);
});

try {
  stop(await main(process.argv.slice(2)));
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  const wrongUse = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
  // A server's certificate has words of its own in the message about it.
  console.error(`websocket-context: ${printable(message || String(code))}${wrongUse ? "; try '--help'" : ''}`);
  stop(wrongUse ? WRONG_USE : FAILED);
}
