/**
 * Kubernetes' own conformance suite against a cluster.
 *
 *   npm run conformance -- --binary PATH [--agnhost PATH | --kubeconfig FILE] [--sig auth,cli] [--focus TEXT]… [--skip TEXT]…
 *                          [--failed] [--new] [--jobs N] [--update]
 *
 * `--binary`: `e2e.test` of Kubernetes 1.36 (or KNARR_E2E_TEST). Without `--kubeconfig` a cluster of two nodes is
 * started on this machine, and stopped afterwards; its images are made from the program at `--agnhost` (or AGNHOST) and
 * from the other test programs that lie beside it (see images.ts). `--failed` runs what failed last and what an ended
 * run left undone, `--new` what is not in `passing.txt` yet. `--update` adds what passes to `passing.txt`, each test as soon as it has.
 * Logs, outputs of failures and `last.json` go to build/conformance. Exit code 1 when a test of `passing.txt` failed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCluster } from './cluster.ts';
import { openPassing, type Passing } from './passing.ts';
import { openResults, type Results } from './results.ts';
import type { ReadSpec } from './spec-reader.ts';
import { allTests, type ConformanceTest, runSuite } from './suite.ts';

const folder = resolve(import.meta.dirname, '../../build/conformance');

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    agnhost: { type: 'string' },
    kubeconfig: { type: 'string' },
    sig: { type: 'string' },
    focus: { type: 'string', multiple: true },
    skip: { type: 'string', multiple: true },
    failed: { type: 'boolean' },
    new: { type: 'boolean' },
    update: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
  },
});

async function select(results: Results, passing: Passing): Promise<ConformanceTest[]> {
  const sigs = values.sig?.split(',').map((s) => (s.startsWith('sig-') ? s : `sig-${s}`));
  const undone = ['failed', 'unfinished'];
  return (await allTests()).filter(
    ({ sig, name }) =>
      (!sigs || sigs.includes(sig)) &&
      (!values.focus || values.focus.some((text) => name.includes(text))) &&
      !values.skip?.some((text) => name.includes(text)) &&
      (!values.new || !passing.has(name)) &&
      (!values.failed || undone.includes(results.get(name)?.outcome ?? '')),
  );
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

/** What to give instead, when something that a run needs is not given. */
function missing(binary: string, agnhost: string): string | undefined {
  if (!existsSync(binary))
    return `--binary: ${binary ? `no file at ${binary}` : 'not given'}: the path of Kubernetes 1.36's e2e.test (go test -c k8s.io/kubernetes/test/e2e)`;
  if (!values.kubeconfig && !existsSync(agnhost))
    return '--agnhost: the path of the static program k8s.io/kubernetes/test/images/agnhost, or --kubeconfig of a cluster';
  return undefined;
}

async function main(): Promise<number> {
  const binary = values.binary ?? process.env.KNARR_E2E_TEST ?? '';
  const agnhost = values.agnhost ?? process.env.AGNHOST ?? '';
  const problem = missing(binary, agnhost);
  if (problem !== undefined) {
    console.error(problem);
    return 2;
  }
  const results = await openResults(folder);
  const passing = await openPassing(fileURLToPath(new URL('passing.txt', import.meta.url)));
  const tests = await select(results, passing);
  if (tests.length === 0) {
    console.error('no test of the suite is selected by these options');
    return 2;
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  const cluster = values.kubeconfig ? undefined : await startCluster({ agnhost, logFolder: folder });
  let done = 0;
  try {
    results.begin(tests.map((t) => t.name));
    const onSpec = (spec: ReadSpec): void => {
      results.add(spec);
      if (values.update && spec.outcome === 'passed') passing.add(spec.name);
      console.log(`${++done}/${tests.length} ${spec.outcome} ${spec.name} (${spec.seconds} s)`);
      if (spec.outcome === 'failed') console.log(`    ${spec.failure.split('\n').slice(0, 3).join('\n    ')}`);
    };
    const run = (hand: ConformanceTest[], label: string): Promise<void> =>
      runSuite({
        binary,
        kubeconfig: values.kubeconfig ?? cluster?.kubeconfig ?? '',
        tests: hand,
        folder,
        label,
        spawn: cluster?.spawn ?? ((program, args) => spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })),
        signal: abort.signal,
        onSpec,
      });
    const { parallel, serial } = hands(tests, Number(values.jobs));
    await Promise.all(parallel.map((hand, i) => run(hand, `hand${i + 1}`)));
    if (serial.length > 0) await run(serial, 'serial');
  } finally {
    await Promise.all([results.saved(), passing.saved(), cluster?.stop()]);
  }
  return report(tests, results, passing.has);
}

function report(tests: readonly ConformanceTest[], results: Results, passed: (name: string) => boolean): number {
  const outcomes = ['passed', 'failed', 'skipped', 'unfinished'] as const;
  const rows = [...new Set(tests.map((t) => t.sig))].map((sig) => {
    const ofSig = tests.filter((t) => t.sig === sig).map((t) => results.get(t.name)?.outcome);
    return { sig, ...Object.fromEntries(outcomes.map((o) => [o, ofSig.filter((outcome) => outcome === o).length])) };
  });
  const failed = tests.filter((t) => results.get(t.name)?.outcome === 'failed');
  for (const { name } of failed) console.log(`FAILED ${name}${passed(name) ? ' (passed before)' : ''}`);
  console.table(rows);
  return failed.some((t) => passed(t.name)) ? 1 : 0;
}

process.exitCode = await main();
