import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One test of the conformance suite: `name` is its full name, SIG included. */
export interface ConformanceTest {
  sig: string;
  name: string;
}

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  name: string;
  outcome: Outcome;
  seconds: number;
  /** What the suite said of the failure; '' otherwise. */
  failure: string;
}

/** The tests of Kubernetes 1.36's conformance suite, from `tests.tsv`. */
export async function allTests(): Promise<ConformanceTest[]> {
  const text = await readFile(new URL('tests.tsv', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [sig = '', name = ''] = line.split('\t');
      return { sig, name };
    });
}

const quoteForRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const decodeXml = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&apos;', "'")
    .replaceAll('&#xA;', '\n')
    .replaceAll('&amp;', '&');

/** The results in a JUnit report as the suite writes it; tests outside `wanted` (not selected) are left out. */
export function parseReport(xml: string, wanted: ReadonlySet<string>): TestResult[] {
  const results: TestResult[] = [];
  for (const match of xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const attribute = (name: string): string =>
      decodeXml(new RegExp(`\\b${name}="([^"]*)"`).exec(match[1] ?? '')?.[1] ?? '');
    const name = attribute('name').replace(/^\[It\] /, '');
    const known = [...wanted].find((w) => name === w || name.startsWith(`${w} [`));
    if (!known) continue;
    const status = attribute('status');
    const failure = /<(?:failure|error)\b[^>]*>([^<]*)/.exec(match[3] ?? '')?.[1] ?? '';
    const outcome: Outcome =
      status === 'passed' ? 'passed' : status === 'skipped' || status === 'pending' ? 'skipped' : 'failed';
    results.push({ name: known, outcome, seconds: Number(attribute('time')), failure: decodeXml(failure) });
  }
  return results;
}

/**
 * Runs `tests` with one process of the suite's binary against a cluster; its output and report go to `folder`.
 * A test that the report does not mention (the process died) counts as failed.
 */
export async function runSuite(options: {
  binary: string;
  kubeconfig: string;
  tests: readonly ConformanceTest[];
  folder: string;
  label: string;
  spawn: (program: string, args: readonly string[]) => ChildProcess;
  onTest: (line: string) => void;
  signal: AbortSignal;
}): Promise<TestResult[]> {
  const { tests, folder, label } = options;
  await mkdir(folder, { recursive: true });
  const log = createWriteStream(join(folder, `${label}.log`));
  const child = options.spawn(options.binary, [
    `--kubeconfig=${options.kubeconfig}`,
    `--ginkgo.focus=${tests.map((t) => quoteForRegex(t.name)).join('|')}`,
    '--ginkgo.no-color',
    '--ginkgo.v',
    '--ginkgo.timeout=24h',
    '--provider=skeleton',
    '--disable-log-dump',
    `--report-dir=${folder}`,
    `--report-prefix=${label}_`,
    '--allowed-not-ready-nodes=0',
    '--node-schedulable-timeout=2m',
  ]);
  options.signal.addEventListener('abort', () => child.kill(), { once: true });
  child.stderr?.pipe(log, { end: false });
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line}\n`);
      if (/^(• |S \[|P \[)/.test(line)) options.onTest(line);
    });
  await new Promise<void>((resolve) => child.on('close', () => resolve()).on('error', () => resolve()));
  log.end();
  const xml = await readFile(join(folder, `junit_${label}_01.xml`), 'utf8').catch(() => '');
  const results = parseReport(xml, new Set(tests.map((t) => t.name)));
  const seen = new Set(results.map((r) => r.name));
  const missing = tests.filter((t) => !seen.has(t.name));
  return [
    ...results,
    ...missing.map((t) => ({
      name: t.name,
      outcome: 'failed' as const,
      seconds: 0,
      failure: `no result: see ${label}.log`,
    })),
  ];
}
