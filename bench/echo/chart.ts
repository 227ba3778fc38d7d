/** The ratios of a run as an SVG: a group of bars a workload, a line where the best peer stands. */
import type { Row } from './table.ts';

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

const COLORS = { ours: '#2f6fde', peer: '#b9bec7', yardstick: '#e3d9b8' };
const LABELS = 250;
const BARS = 560;
const BAR = 16;
const TITLE = 30;
const MARGIN = 20;

const escaped = (text: string) => text.replace(/[&<]/g, letter => (letter === '&' ? '&amp;' : '&lt;'));

export function chartOf(heading: string, groups: readonly Group[]): string {
  const drawn = groups
    .map(({ title, rows }) => ({ title, rows: rows.filter(({ ratio }) => Number.isFinite(ratio)) }))
    .filter(({ rows }) => rows.length);
  const most = Math.max(1, ...drawn.flatMap(({ rows }) => rows.map(({ ratio }) => ratio)));
  const width = (ratio: number) => (ratio / most) * BARS;
  const parts: string[] = [];
  let y = MARGIN + TITLE;

  for (const { title, rows } of drawn) {
    parts.push(`<text x="${MARGIN}" y="${y + 20}" font-weight="bold">${escaped(title)}</text>`);
    y += TITLE;
    const line = LABELS + width(1);
    for (const { server, ratio } of rows) {
      const baseline = y + BAR - 4;
      parts.push(
        `<text x="${LABELS - 8}" y="${baseline}" text-anchor="end">${escaped(server.title)}</text>`,
        `<rect x="${LABELS}" y="${y + 1}" width="${width(ratio).toFixed(1)}" height="${BAR - 3}" fill="${COLORS[server.kind]}"/>`,
        `<text x="${(LABELS + width(ratio) + 6).toFixed(1)}" y="${baseline}">${ratio.toFixed(2)}</text>`,
      );
      y += BAR;
    }
    const top = y - rows.length * BAR;
    parts.push(`<line x1="${line}" x2="${line}" y1="${top}" y2="${y}" stroke="#c33" stroke-dasharray="3 2"/>`);
  }
  const size = `width="${LABELS + BARS + 70}" height="${y + MARGIN}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${MARGIN}" y="${MARGIN + 10}" font-size="13">${escaped(heading)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}
