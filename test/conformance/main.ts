/**
 * Kubernetes' own conformance suite against a cluster.
 *
 *   npm run conformance -- --binary PATH [--agnhost PATH | --kubeconfig FILE] [--sig auth,cli] [--focus TEXT] [--failed] [--jobs N]
 *
 * `--binary`: `e2e.test` of Kubernetes 1.36 (or KNARR_E2E_TEST). Without `--kubeconfig` a cluster
 * of two nodes is started on this machine, its test image made from the program at `--agnhost` (or AGNHOST), and stopped
 * afterwards. `--failed` runs what failed last. `--update` adds what newly passes to `passing.txt`.
 * Logs, reports and `last.json` go to build/conformance. Exit code 1 when a test of `passing.txt` failed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { allTests, type ConformanceTest, runSuite, type TestResult } from './suite.ts';

const folder = resolve(import.meta.dirname, '../../build/conformance');
const passingFile = new URL('passing.txt', import.meta.url);

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    agnhost: { type: 'string' },
    kubeconfig: { type: 'string' },
    sig: { type: 'string' },
    focus: { type: 'string' },
    failed: { type: 'boolean' },
    update: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
  },
});

const binary = values.binary ?? process.env['KNARR_E2E_TEST'];
if (!binary || !existsSync(binary)) {
  console.error(
    `--binary: ${binary ? `no file at ${binary}` : 'not given'}: the path of Kubernetes 1.36's e2e.test (go test -c k8s.io/kubernetes/test/e2e)`,
  );
  process.exit(2);
}

async function select(): Promise<ConformanceTest[]> {
  const sigs = values.sig?.split(',').map((s) => (s.startsWith('sig-') ? s : `sig-${s}`));
  const failedBefore = values.failed
    ? new Set(
        (JSON.parse(await readFile(join(folder, 'last.json'), 'utf8')) as TestResult[])
          .filter((r) => r.outcome === 'failed')
          .map((r) => r.name),
      )
    : undefined;
  return (await allTests()).filter(
    (t) =>
      (!sigs || sigs.includes(t.sig)) &&
      (!values.focus || t.name.includes(values.focus)) &&
      (!failedBefore || failedBefore.has(t.name)),
  );
}

async function readPassing(): Promise<Set<string>> {
  const text = await readFile(passingFile, 'utf8').catch(() => '');
  return new Set(text.split('\n').filter((l) => l !== ''));
}

/** The tests that may run beside each other, dealt into `jobs` hands, then the serial ones by themselves. */
function hands(
  tests: readonly ConformanceTest[],
  jobs: number,
): { parallel: ConformanceTest[][]; serial: ConformanceTest[] } {
  const beside = tests.filter((t) => !t.name.includes('[Serial]'));
  const parallel = Array.from({ length: jobs }, (_, i) => beside.filter((_t, at) => at % jobs === i)).filter(
    (h) => h.length > 0,
  );
  return { parallel, serial: tests.filter((t) => t.name.includes('[Serial]')) };
}

async function main(): Promise<number> {
  const tests = await select();
  if (tests.length === 0) {
    console.error('no test of the suite is selected by these options');
    return 2;
  }
  await mkdir(folder, { recursive: true });
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const agnhost = values.agnhost ?? process.env.AGNHOST;
  if (!values.kubeconfig && (!agnhost || !existsSync(agnhost))) {
    console.error(
      '--agnhost: the path of the static program k8s.io/kubernetes/test/images/agnhost, or --kubeconfig of a cluster',
    );
    return 2;
  }
  const { startCluster } = await import('./cluster.ts');
  const cluster = values.kubeconfig ? undefined : await startCluster({ agnhost: agnhost ?? '' });
  const kubeconfig = values.kubeconfig ?? cluster?.kubeconfig ?? '';
  let done = 0;
  const results: TestResult[] = [];
  try {
    const run = (hand: ConformanceTest[], label: string): Promise<TestResult[]> =>
      runSuite({
        binary: binary as string,
        kubeconfig,
        tests: hand,
        folder,
        label,
        spawn: cluster?.spawn ?? ((program, args) => spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })),
        signal: abort.signal,
        onTest: (line) => console.log(`${++done}/${tests.length} ${line}`),
      });
    const { parallel, serial } = hands(tests, Number(values.jobs));
    for (const part of await Promise.all(parallel.map((h, i) => run(h, `hand${i + 1}`)))) results.push(...part);
    if (serial.length > 0) results.push(...(await run(serial, 'serial')));
  } finally {
    await cluster?.stop();
  }
  return report(tests, results);
}

async function report(tests: readonly ConformanceTest[], results: readonly TestResult[]): Promise<number> {
  await writeFile(join(folder, 'last.json'), JSON.stringify(results, null, 1));
  const passing = await readPassing();
  for (const r of results)
    if (r.outcome === 'failed') console.log(`FAILED ${r.name}\n    ${r.failure.split('\n')[0] ?? ''}`);
  const rows = [...new Set(tests.map((t) => t.sig))].map((sig) => {
    const of = (outcome: string): number =>
      results.filter((r) => r.outcome === outcome && r.name.startsWith(`[${sig}]`)).length;
    return { sig, passed: of('passed'), failed: of('failed'), skipped: of('skipped') };
  });
  console.table(rows);
  const lost = results.filter((r) => r.outcome === 'failed' && passing.has(r.name));
  for (const r of lost) console.log(`passed before, fails now: ${r.name}`);
  if (values.update) {
    const all = new Set([...passing, ...results.filter((r) => r.outcome === 'passed').map((r) => r.name)]);
    await writeFile(passingFile, `${[...all].sort().join('\n')}\n`);
  }
  const count = (outcome: string): number => results.filter((r) => r.outcome === outcome).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  return lost.length > 0 ? 1 : 0;
}

process.exitCode = await main();
