/** `websocket-context connect URL`: a session by hand where input is a terminal, by lines where it is not. */
import { parseArgs } from 'node:util';
import { connectWebSocket, HandshakeError, WebSocketConnection } from '../index.ts';
import { closeName } from '../page/words.ts';
import { type Options, Session } from './session.ts';
import { blame, FAILED, numberOf, type Outcome, printable, SECONDS_MOST, styled, UsageError } from './terminal.ts';

const CLOSED_OTHERWISE = 3;

const HELP = `websocket-context connect URL: talks to a WebSocket server (ws:, wss: or ws+unix:)

  --protocol NAME      a subprotocol to offer; may be given again
  --header 'NAME: V'   a header of the request; may be given again
  --origin ORIGIN      the Origin header
  --binary             lines are sent as binary messages, and binary messages printed as they are (on a terminal, and
                       without --binary, in hexadecimal)
  --ping SECONDS       send a PING this often and show its round trip
  --no-check           accept any certificate
  --execute MESSAGE    send this, wait, and close; may be given again
  --wait SECONDS       how long to stay for answers when input has ended (default 1)

On a terminal every line is a message, and those that begin with a slash are commands: /help names them, Tab completes
them; what begins with two is sent, without the first. Otherwise every line of the input is sent without its LF or CR LF,
every message is printed as a line, and the connection is closed at the input's end. A line may have 16 MiB, and is UTF-8
unless --binary is given.

Exit code: 0 after CLOSE 1000, 1001 or one without a code, 1 where the connection failed or was lost or the input cannot
be sent, 2 for wrong use, 3 after any other CLOSE.

Examples
  websocket-context connect ws://127.0.0.1:8080/
  websocket-context connect wss://localhost:8443/ --no-check --protocol chat.v2 --header 'authorization: Bearer 1234'
  websocket-context connect ws://127.0.0.1:8080/ --execute hello --execute world
  seq 1000 | websocket-context connect ws://127.0.0.1:8080/ | sort -n | tail -1
`;

export async function connect(args: string[]): Promise<Outcome> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      protocol: { type: 'string', multiple: true, default: [] },
      header: { type: 'string', multiple: true, default: [] },
      origin: { type: 'string' },
      binary: { type: 'boolean', default: false },
      ping: { type: 'string', default: '0' },
      'no-check': { type: 'boolean', default: false },
      execute: { type: 'string', multiple: true },
      wait: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return HELP;
  const [url, more] = positionals;
  if (url === undefined || more !== undefined) throw new UsageError('connect takes one URL');
  const { binary, execute } = values;
  const options: Options = {
    binary,
    execute,
    wait: numberOf('--wait', values.wait, SECONDS_MOST),
    ping: numberOf('--ping', values.ping, SECONDS_MOST),
  };
  const headers = headersOf(values.header);
  const context = await connectWebSocket(url, {
    protocols: values.protocol,
    headers,
    ...(values.origin !== undefined && { origin: values.origin }),
    ...(values['no-check'] && { tls: { rejectUnauthorized: false } }),
  }).catch((error: unknown) => {
    if (error instanceof HandshakeError && error.status) error.message = `${error.status}: ${error.message}`;
    throw blame(error);
  });
  const connection = new WebSocketConnection(context);
  const terminal = execute === undefined && process.stdin.isTTY === true && process.stdout.isTTY === true;
  await new Session(connection, context, process, terminal, options).run();
  return ending(connection);
}

function headersOf(lines: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new UsageError(`--header must be 'NAME: VALUE'; got '${line}'`);
    const name = line.slice(0, colon).trim().toLowerCase();
    headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()];
  }
  return headers;
}

/** Says how the connection was closed, where that is worth a word. */
function ending({ closeStatus }: WebSocketConnection): number {
  if (!closeStatus) return FAILED;
  const { code, reason } = closeStatus;
  if (code === 1000 || code === 1005) return 0;
  const named = [`CLOSE ${code}`, closeName(code), printable(reason)].filter(Boolean).join(', ');
  console.error(styled(process.stderr, 'dim', `closed with ${named}`));
  return code === 1001 ? 0 : CLOSED_OTHERWISE;
}
