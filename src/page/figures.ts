/** Numbers as a person reads them. Units are decimal: 1 MB is a million bytes. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 1234567 is '1,234,567'. */
export function count(value: number | bigint): string {
  return COUNT.format(value);
}

/** Counts things: '1 frame', '2,000 frames'. */
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`;
}

/** Three digits that matter: 0.0123, 1.23, 12.3, 123, 1,234. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value >= 100 ? count(value) : value.toPrecision(value < 0.1 ? 2 : 3);
}

/** 1536 is '1,536 bytes', 15360 is '15.4 KB'. */
export function bytes(value: number): string {
  if (value < 10_000) return counted(value, 'byte');
  const unit = value < 1e6 ? 'KB' : value < 1e9 ? 'MB' : 'GB';
  return `${significant(value / { KB: 1e3, MB: 1e6, GB: 1e9 }[unit])} ${unit}`;
}

/** Bytes as two hexadecimal digits each. */
export function hex(data: Iterable<number>): string {
  return Array.from(data, byte => byte.toString(16).padStart(2, '0')).join(' ');
}
