import { messageOf } from '../../base/errors.ts';
import { renderFamilies } from '../metrics/text.ts';
import type { Answer, Call } from './call.ts';

/** Every check is of `/readyz`; some are of the others, too. */
export interface CheckOptions {
  /** Of `/livez`: it means "restart me". */
  live?: boolean | undefined;
  /** Of `/healthz`. Default: as `live`. */
  health?: boolean | undefined;
}

export interface Health {
  add(name: string, check: () => Promise<void>, options?: CheckOptions): void;
  /** Every path that is answered. */
  paths(): string[];
  /** How every check stands, in the text format of Prometheus. */
  metrics(): Promise<string>;
  /** `/healthz`, `/livez`, `/readyz` and one check of them by name; undefined for other paths. */
  answer(call: Call): Promise<Answer> | undefined;
}

interface Check {
  readonly name: string;
  readonly live: boolean;
  readonly health: boolean;
  run(): Promise<void>;
}

const endpoints = ['healthz', 'livez', 'readyz'] as const;
type Endpoint = (typeof endpoints)[number];

const isEndpoint = (name: string): name is Endpoint => endpoints.some((known) => known === name);

/** A check that has not answered by then has failed. */
const patienceMs = 5_000;

function withPatience(run: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs);
    run()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

const plainText = 'text/plain; charset=utf-8';

const text = (status: number, body: string): Answer => ({
  kind: 'bytes',
  status,
  type: plainText,
  body,
  headers: { 'x-content-type-options': 'nosniff' },
});

/** `healthz` and `livez` ask the checks that mean "restart me"; `readyz` asks all. Only one check by itself says what is wrong. */
export function createHealth(): Health {
  const checks: Check[] = [];

  const runAll = async (endpoint: string, chosen: readonly Check[], call: Call): Promise<Answer> => {
    const excluded = new Set(call.query.getAll('exclude'));
    const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
    const results = await Promise.all(
      chosen.map(async ({ name, run }) => {
        if (excluded.has(name)) return { good: true, line: `[+]${name} excluded: ok` };
        try {
          await withPatience(run);
          return { good: true, line: `[+]${name} ok` };
        } catch {
          return { good: false, line: `[-]${name} failed: reason withheld` };
        }
      }),
    );
    const good = results.every((result) => result.good);
    if (good && !call.query.has('verbose')) return text(200, 'ok');
    const lines = results.map((result) => result.line);
    if (unknown.length > 0)
      lines.push(
        `warn: some health checks cannot be excluded: no matches for ${unknown
          .sort()
          .map((u) => `"${u}"`)
          .join(',')}`,
      );
    lines.push(`${endpoint} check ${good ? 'passed' : 'failed'}`);
    return text(good ? 200 : 500, `${lines.join('\n')}\n`);
  };

  const of = (endpoint: Endpoint): readonly Check[] =>
    checks.filter(({ live, health }) => endpoint === 'readyz' || (endpoint === 'livez' ? live : health));

  const runOne = async ({ run }: Check): Promise<Answer> => {
    try {
      await withPatience(run);
      return { kind: 'bytes', status: 200, type: plainText, body: 'ok' };
    } catch (error) {
      return text(500, `internal server error: ${messageOf(error)}\n`);
    }
  };

  return {
    add(name, check, { live = false, health = live } = {}) {
      checks.push({ name, live, health, run: check });
    },
    paths: () =>
      endpoints.flatMap((endpoint) => [`/${endpoint}`, ...of(endpoint).map(({ name }) => `/${endpoint}/${name}`)]),
    async metrics() {
      const asked = await Promise.allSettled(checks.map(({ run }) => withPatience(run)));
      const samples = checks.flatMap(({ name, live }, i) =>
        (live ? ['healthz', 'livez', 'readyz'] : ['readyz']).map((type) => ({
          labels: { name, type },
          value: asked[i]?.status === 'fulfilled' ? 1 : 0,
        })),
      );
      return renderFamilies([
        { name: 'kubernetes_healthcheck', type: 'gauge', help: 'Whether a health check passes.', samples },
      ]);
    },
    answer(call) {
      const [, endpoint = '', ...rest] = call.info.path.split('/');
      if (!isEndpoint(endpoint)) return undefined;
      const candidates = of(endpoint);
      if (rest.length === 0) return runAll(endpoint, candidates, call);
      const one = candidates.find((check) => check.name === rest.join('/'));
      return one && runOne(one);
    },
  };
}
