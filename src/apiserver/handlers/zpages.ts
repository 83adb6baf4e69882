import { timeText } from '../../api/literals.ts';
import { encodeObject } from '../http/encode.ts';
import { headerOf } from '../http/exchange.ts';
import { isForReading, negotiatePage } from '../http/negotiate.ts';
import { versionInfo } from '../version.ts';
import type { Answer, Call } from './call.ts';

/** Groups of paths that `/statusz` does not name: they are no help in finding a fault. */
const unlisted = new Set(['/apis', '/api', '/openid', '/openapi', '/.well-known']);

const group = 'config.k8s.io';
const component = 'apiserver';

interface Page {
  readonly kind: 'Statusz' | 'Flagz';
  /** What stands in the object beside kind and name. */
  fields(): object;
  /** … and what people read below the title. */
  lines(): string;
}

const oldWarning = (path: string): string =>
  `This version of the ${path} endpoint is deprecated. Please use a newer version.`;

function answer(call: Call, { kind, fields, lines }: Page): Answer {
  const name = kind.toLowerCase();
  const form = negotiatePage(
    headerOf(call.headers, 'accept'),
    ['v1alpha1', 'v1beta1'].map((version) => `${kind}.${version}.${group}`),
  );
  if (form === 'text') {
    const title = `\n${component} ${name}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n`;
    return { kind: 'bytes', status: 200, type: 'text/plain; charset=utf-8', body: title + lines() };
  }
  if (form.asVersion === 'v1alpha1') call.warnings.push(oldWarning(name));
  const object = {
    kind,
    apiVersion: `${group}/${form.asVersion}`,
    metadata: { name: component },
    ...fields(),
  };
  const pretty = form.pretty || isForReading(call.url, call.headers);
  const { type, body } = encodeObject({ ...form, pretty }, object);
  return { kind: 'bytes', status: 200, type: `${type};g=${group};v=${form.asVersion};as=${kind}`, body };
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** `Sat Nov 21 19:41:53 UTC 2026`. */
function unixDate(at: Date): string {
  const [weekday, day, month, year, time] = at.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`;
}

export interface ZPages {
  statusz(call: Call): Answer;
  /** Undefined where nobody said what the flags are. */
  flagz: ((call: Call) => Answer) | undefined;
}

/** `/statusz` and `/flagz`: a page for people, objects for programs that ask for these. */
export function createZPages(options: {
  startedAt: number;
  paths: () => readonly string[];
  flags: ReadonlyMap<string, readonly string[]> | undefined;
}): ZPages {
  const status = () => {
    const { goVersion, gitVersion, emulationMajor, emulationMinor } = versionInfo();
    const tops = options.paths().map((path) => `/${path.split('/')[1] ?? ''}`);
    return {
      startTime: timeText(new Date(options.startedAt)),
      uptimeSeconds: Math.max(0, Math.floor((Date.now() - options.startedAt) / 1000)),
      goVersion,
      binaryVersion: gitVersion.replace(/^v|[-+].*/g, ''),
      emulationVersion: `${emulationMajor}.${emulationMinor}`,
      paths: [...new Set(tops)].filter((path) => path !== '/' && !unlisted.has(path)).sort(),
    };
  };
  const statusLines = (): string => {
    const { uptimeSeconds: up, goVersion, binaryVersion, emulationVersion, paths } = status();
    const uptime = `${Math.floor(up / 3600)} hr ${twoDigits(Math.floor(up / 60) % 60)} min ${twoDigits(up % 60)} sec`;
    return [
      '',
      `Started: ${unixDate(new Date(options.startedAt))}`,
      `Up: ${uptime}`,
      `Go version: ${goVersion}`,
      `Binary version: ${binaryVersion}`,
      `Emulation version: ${emulationVersion}`,
      `Paths: ${paths.join(' ')}`,
      '',
    ].join('\n');
  };
  const { flags } = options;
  const given = (): [string, string][] =>
    [...(flags ?? [])].map(([name, all]): [string, string] => [name, all.join(',')]).sort();
  return {
    statusz: (call) => answer(call, { kind: 'Statusz', fields: status, lines: statusLines }),
    flagz:
      flags &&
      ((call) =>
        answer(call, {
          kind: 'Flagz',
          fields: () => (flags.size > 0 ? { flags: Object.fromEntries(given()) } : {}),
          lines: () =>
            given()
              .map(([name, value]) => `${name}:${value}\n`)
              .join(''),
        })),
  };
}
