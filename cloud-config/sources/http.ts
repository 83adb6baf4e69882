import { KnarrError, messageOf, systemCode } from '../../src/base/errors.ts';

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  timeoutMs?: number;
  /** Ports of our own, one of which is used: some ask for one that only root has. */
  localPorts?: readonly number[];
}

export interface Answer {
  status: number;
  body: Buffer;
}

/** Fetches over HTTP; any answer is one, silence is an error that says what to look at. */
export type Http = (url: string, asked?: Asked) => Promise<Answer>;

const largest = 16 * 1024 * 1024;

async function once(url: string, asked: Asked, localPort: number | undefined, hops: number): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeoutMs = 5_000 } = asked;
  // half of what a boot would load, and few boots fetch anything
  const { request: send } = await (url.startsWith('https:') ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const options = { method, headers, ...(localPort === undefined ? {} : { localPort }), agent: false } as const;
    const request = send(url, options, (response) => {
      const { statusCode = 0, headers: answered } = response;
      const next = answered.location;
      if (statusCode >= 300 && statusCode < 400 && next !== undefined && hops < 5) {
        response.resume();
        once(new URL(next, url).href, asked, localPort, hops + 1).then(resolve, reject);
        return;
      }
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > largest) request.destroy(new Error(`answers more than ${largest} bytes`));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: statusCode, body: Buffer.concat(chunks) }));
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.end(body);
  });
}

/** What is to be done about each way in which a connection fails. */
const remedies: Record<string, string> = {
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way there',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the name is not known: is there a name server?',
  EAI_AGAIN: 'no name server answers: is there a network?',
};

export const fetchHttp: Http = async (url, asked = {}) => {
  for (const [index, port] of (asked.localPorts ?? [undefined]).entries()) {
    try {
      return await once(url, asked, port, 0);
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'EADDRINUSE' && index + 1 < (asked.localPorts?.length ?? 0)) continue;
      throw new KnarrError({
        code: 'unreachable',
        blame: 'world',
        message: `${url}: ${remedies[code] ?? messageOf(error)}`,
        cause: error,
      });
    }
  }
  throw new KnarrError({ code: 'unreachable', blame: 'world', message: `${url}: no port of our own is free` });
};

const refused = (url: string, status: number): KnarrError =>
  new KnarrError({ code: 'refused', blame: 'world', message: `${url}: answered with ${status}` });

/** A document, or undefined where there is none (404). */
export async function optional(http: Http, url: string, asked?: Asked): Promise<Buffer | undefined> {
  const { status, body } = await http(url, asked);
  if (status === 404 || status === 204) return undefined;
  if (status !== 200) throw refused(url, status);
  return body;
}

/** A document that must be there. */
export async function needed(http: Http, url: string, asked?: Asked): Promise<Buffer> {
  const { status, body } = await http(url, asked);
  if (status !== 200) throw refused(url, status);
  return body;
}

/** Something that came over the wire, as a map that anything may be in. */
export interface Loose {
  [key: string]: unknown;
}

export const asMap = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {};
export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
export const asTexts = (value: unknown): string[] => {
  const list = Array.isArray(value) ? value : typeof value === 'string' ? value.split('\n') : [];
  return list.flatMap((item) => asText(item)?.trim() ?? []).filter((item) => item !== '');
};

/** Only those that say something: what is undefined is left out. */
export function known<T extends Loose>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export function json(url: string, body: Buffer): Loose {
  try {
    return asMap(JSON.parse(body.toString()));
  } catch (error) {
    throw new KnarrError({ code: 'refused', blame: 'world', message: `${url}: answers no JSON: ${messageOf(error)}` });
  }
}
