import type { Machine } from '../../images/machine/machine.ts';

/** A stretch of a machine's start, in seconds since its kernel began. */
export interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const units = ['knarr-setup.service', 'systemd-networkd.service', 'containerd.service', 'knarr.service'] as const;

/** What the machine itself says of its start, from systemd's clocks; `apiAt` and `readyAt` count from the kernel too. */
export async function timeline(machine: Machine, later: { apiAt: number; readyAt: number }): Promise<Span[]> {
  const read = async (unit: string, properties: string): Promise<(name: string) => number> => {
    const { stdout } = await machine.ssh(`systemctl show ${unit} -p ${properties}`);
    return (name) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(stdout)?.[1] ?? 0) / 1e6;
  };
  const all = await read('', 'UserspaceTimestampMonotonic,FinishTimestampMonotonic');
  const userspace = all('UserspaceTimestampMonotonic');
  const spans: Span[] = [
    { name: 'kernel and initial RAM disk', from: 0, to: userspace },
    { name: 'systemd until its target is reached', from: userspace, to: all('FinishTimestampMonotonic') },
  ];
  for (const unit of units) {
    const of = await read(unit, 'InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic');
    const from = of('InactiveExitTimestampMonotonic');
    spans.push({ name: unit, from, to: Math.max(of('ActiveEnterTimestampMonotonic'), from) });
  }
  const knarr = spans.at(-1)?.from ?? 0;
  spans.push(
    { name: 'the API answers', from: knarr, to: later.apiAt },
    { name: 'the node is Ready', from: knarr, to: later.readyAt },
  );
  return spans;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The spans as a picture: one bar each, on a scale of seconds. */
export function timelineSvg(spans: readonly Span[]): string {
  const [width, left, row] = [900, 250, 24];
  const end = Math.max(...spans.map(({ to }) => to), 1);
  const x = (seconds: number): number => left + (seconds / end) * (width - left - 60);
  const height = (spans.length + 2) * row;
  const step = end > 60 ? 10 : end > 20 ? 5 : 1;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  const grid = ticks.map(
    (at) =>
      `<line x1="${x(at)}" y1="${row}" x2="${x(at)}" y2="${height - row}" stroke="#ddd"/><text x="${x(at)}" y="${height - 6}" text-anchor="middle">${at} s</text>`,
  );
  const bars = spans.map(({ name, from, to }, index) => {
    const y = (index + 1) * row;
    return `<text x="${left - 8}" y="${y + 16}" text-anchor="end">${escaped(name)}</text><rect x="${x(from)}" y="${y + 4}" width="${Math.max(2, x(to) - x(from))}" height="${row - 8}" fill="#2a6f97"/><text x="${x(to) + 6}" y="${y + 16}">${to.toFixed(1)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>${grid.join('')}${bars.join('')}</svg>\n`;
}

/** The same for a terminal. */
export function timelineText(spans: readonly Span[]): string {
  const end = Math.max(...spans.map(({ to }) => to), 1);
  const at = (seconds: number): number => Math.round((seconds / end) * 50);
  const width = Math.max(...spans.map(({ name }) => name.length));
  return spans
    .map(({ name, from, to }) => {
      const bar = ' '.repeat(at(from)) + '█'.repeat(Math.max(1, at(to) - at(from)));
      return `${name.padEnd(width)}  ${bar.padEnd(51)} ${from.toFixed(1)} – ${to.toFixed(1)} s`;
    })
    .join('\n');
}
