/**
 * A browser for tests: the one that is installed, without a window, and beside it the server whose page it opens. Where
 * there is none the suite says that it is skipped, unless REQUIRE_BROWSER says that this must not be.
 *
 * Every test gets a page of its own, and fails where that page wrote an error to its console, threw, or asked anything of
 * another machine.
 */
import { existsSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type Callback, suite, type Test } from 'uvu';
import * as assert from 'uvu/assert';
import { echo } from '../../src/cli/echo.ts';
import { WebSocketModule } from '../../src/index.ts';
import { servePage } from '../../src/page/server.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'].concat(
  '--disable-background-networking',
  '--disable-component-update',
);
export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
/** WCAG 2.2, 1.4.10: content fits 320 CSS pixels without scrolling both ways. */
export const NARROW = { width: 320, height: 640 };

export interface Surroundings {
  /** The server's address, ending with a slash. */
  url: string;
  page: Page;
  /** Cuts every connection to the server, as a cable that is pulled. */
  sever(): void;
  /** Opens another page, looked after like the first. */
  open(options?: BrowserContextOptions): Promise<Page>;
}

const installed = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap(folder => NAMES.map(name => join(folder, name)))
  .find(existsSync);

/** Starts a server that echoes, on a free port, and answers requests by `answer`. */
export async function startServer(answer: RequestListener = servePage): Promise<{ server: Server; url: string }> {
  const server = createServer(answer);
  new WebSocketModule().attach(server, context => echo(context));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** A suite whose tests each get a page. */
export function browserSuite(name: string, answer?: RequestListener): Test<Surroundings> {
  const test = suite<Surroundings>(name);
  if (!installed) {
    test('a browser is installed where one is required', () => {
      console.log('\nskipped: no browser found');
      assert.not.ok(process.env.REQUIRE_BROWSER, `none of ${NAMES.join(', ')} is in PATH`);
    });
    return Object.assign(() => {}, test) as Test<Surroundings>;
  }

  let browser: Browser;
  let server: Server;
  let problems: string[];
  let pages: Page[];

  test.before(async state => {
    browser = await chromium.launch({ executablePath: installed, args: FLAGS });
    ({ server, url: state.url } = await startServer(answer));
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    state.sever = () => {
      for (const socket of sockets) socket.destroy();
    };
  });
  test.after(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  test.before.each(async state => {
    problems = [];
    pages = [];
    state.open = async options => {
      const context = await browser.newContext({ viewport: DESKTOP, ...options });
      const page = await context.newPage();
      pages.push(page);
      page.on('console', message => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
      });
      page.on('pageerror', error => problems.push(String(error.stack)));
      page.on('request', request => {
        if (!request.url().startsWith(state.url)) problems.push(`asked for ${request.url()}`);
      });
      await page.goto(state.url);
      return page;
    };
    state.page = await state.open();
  });
  test.after.each(async () => {
    for (const page of pages) await page.context().close();
  });
  const register = (title: string, run: Callback<Surroundings>): void =>
    test(title, async state => {
      try {
        await run(state);
      } catch (error) {
        if (problems.length) console.log(`\nnote: the page said ${problems.join('; ')}`);
        throw error;
      }
      assert.equal(problems, []);
    });
  return Object.assign(register, test) as Test<Surroundings>;
}
