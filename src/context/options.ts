/** The options of a context, with their defaults, checked once for all connections that share them. */
import type { WebSocketOptions } from './contract.ts';

/** Every number is whole and not negative; times in milliseconds, sizes in bytes. */
export interface Limits {
  readonly directReads: boolean;
  readonly receiveBufferLimit: number;
  readonly pingInterval: number;
  readonly pongTimeout: number;
  readonly closeTimeout: number;
  readonly maxMessageSize: number;
  readonly sendBufferLimit: number;
}

const DEFAULTS: Omit<Limits, 'directReads'> = {
  receiveBufferLimit: 4_194_304,
  pingInterval: 0,
  pongTimeout: 0,
  closeTimeout: 10_000,
  maxMessageSize: 0,
  sendBufferLimit: 65_536,
};

/** The names of a context's options. */
export const CONTEXT_NAMES: readonly string[] = ['enabled', 'directReads', ...Object.keys(DEFAULTS)];

/** Throws TypeError where `options` has a name that is none of `names`: what nobody looks at must not pass for what works. */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object; its names: ${names.join(', ')}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !names.includes(name)) {
      throw new TypeError(`${name} is no option here; those are ${names.join(', ')}`);
    }
  }
}

/** Returns the limits that `options` asks for. Throws RangeError for a number that is not whole or below 0, TypeError for a switch that is none. */
export function limitsOf(options: WebSocketOptions): Limits {
  const limits = { ...DEFAULTS } as Record<keyof typeof DEFAULTS, number>;
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} must be a whole number, 0 or more; got ${String(value)}`);
    }
    limits[name] = value;
  }
  return Object.freeze({ ...limits, directReads: flagOf(options, 'directReads') });
}

/** Returns a switch that is on unless `options` turns it off. Throws TypeError for what is neither. */
export function flagOf(options: WebSocketOptions, name: 'enabled' | 'directReads'): boolean {
  const value = options[name] ?? true;
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false; got ${String(value)}`);
  return value;
}
