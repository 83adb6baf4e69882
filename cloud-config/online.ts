import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../src/base/errors.ts';
import { createSshKeys } from './appliers/ssh-keys.ts';
import { appliers } from './appliers.ts';
import type { Host } from './host.ts';
import { mergeConfigs } from './merge.ts';
import { renderProblem } from './schema.ts';
import { askSources, keep } from './sources/cloud.ts';
import { fetchHttp, type Http } from './sources/http.ts';
import { readAll } from './sources.ts';

export interface Online {
  host: Host;
  say(text: string): void;
  http?: Http;
  /** How long a cloud that does not answer is asked again. */
  patienceMs?: number;
  /** Whether this machine, as it was started, applies a key at all. */
  applies?: (key: string) => boolean;
}

/**
 * The runtime phase: asks the cloud (unless a seed disk or the firmware has said all), keeps the answer for boots
 * without a network, and applies what can be applied to a running machine. Resolves with how many steps failed.
 */
export async function goOnline(options: Online): Promise<number> {
  const { host, say, http = fetchHttp, patienceMs = 30_000, applies = () => true } = options;
  const before = mergeConfigs((await readAll(host)).map(({ config }) => config));
  const named = before.k3os?.data_sources;
  let failed = 0;
  let changed = false;
  const local = await askSources({ host, named, network: false });
  if (local.data === undefined) {
    const until = performance.now() + patienceMs;
    let answer = await askSources({ host, named, http, network: true });
    while (answer.data === undefined && answer.problems.length > 0 && performance.now() < until) {
      await sleep(Math.min(1_000, patienceMs));
      answer = await askSources({ host, named, http, network: true });
    }
    if (answer.data === undefined) {
      for (const problem of answer.problems) say(`cloud-config: ${renderProblem(problem)}`);
      failed += answer.problems.length;
    } else changed = await keep(host, answer.facts, answer.data);
  }
  const all = await readAll(host);
  if (changed)
    for (const { problems } of all) for (const problem of problems) say(`cloud-config: ${renderProblem(problem)}`);
  const config = mergeConfigs(all.map((part) => part.config));
  const keys = createSshKeys(http);
  const others = appliers.filter(({ phases, key }) => phases.includes('runtime') && applies(key) && key !== keys.key);
  // the keys first: they are fetched by the network that has just answered, and `network` may be about to change it
  for (const step of changed ? [keys, ...others] : [keys])
    await step.apply(config, host, 'runtime').catch((error: unknown) => {
      failed++;
      say(`${step.key}: ${messageOf(error)}`);
    });
  return failed;
}
