/**
 * What is installed for the benches, in this folder and nowhere else: Node would go on looking in the folders above, where
 * another ws lies without the addons that make it fast, and a slower one would be measured without a word.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';

const folder = join(import.meta.dirname, '../../bench');
const modules = join(folder, 'node_modules');
const require = createRequire(join(folder, 'package.json'));

const HOW_TO_INSTALL = 'npm install --prefix bench';

/** '@a/b/c/d' is the file 'c/d' of the package '@a/b'. */
function packageOf(name: string): string {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

function installed(name: string): boolean {
  return existsSync(join(modules, packageOf(name), 'package.json'));
}

/** Returns the file that `name` stands for. Throws an Error with words for a person where there is none. */
export function resolvePeer(name: string): string {
  const owner = packageOf(name);
  if (!installed(name)) throw new Error(`${owner} is not installed: ${HOW_TO_INSTALL}`);
  try {
    return require.resolve(name);
  } catch {
    throw new Error(
      `${owner} has no ${name.slice(owner.length + 1)}: it does not support this platform or Node version`,
    );
  }
}

/** Loads a peer. Throws an Error with words for a person where it is not here. */
export function requirePeer<T>(name: string): T {
  return require(resolvePeer(name));
}

/** Whether a peer's compiled part was loaded, and not the JavaScript that steps in where it cannot be. */
export function runsNatively(name: string): boolean {
  if (!installed(name)) return false;
  const home = realpathSync(join(modules, name)) + sep;
  return Object.keys(require.cache).some(file => file.startsWith(home) && file.endsWith('.node'));
}

/** The peers that this platform could have and that are not installed. */
function missingPeers(): string[] {
  const { optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  return Object.keys(optionalDependencies).filter(
    name => (!name.startsWith('@oven/') || name === `@oven/bun-${process.platform}-${arch}`) && !installed(name),
  );
}

/** Installs the peers that are missing, and returns words about those that still are. */
export function installPeers(): string | undefined {
  if (!missingPeers().length) return undefined;
  // Optional packages that cannot be fetched are no failure to npm: what came is seen by what lies there.
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=0'];
  const { error, stderr } = spawnSync('npm', ['install', ...flags], { cwd: folder, encoding: 'utf8' });
  const missing = missingPeers();
  if (!missing.length) return undefined;
  const said = error?.message ?? /^npm error (?!code )(.+)$/m.exec(stderr)?.[1] ?? 'npm could not fetch them';
  return `not installed: ${missing.join(', ')} (${said}); the next run tries again, or do it by hand: ${HOW_TO_INSTALL}`;
}
