import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from '../api/gen/core-v1.ts';
import { nodes, secrets } from '../api/gen/resources.ts';
import { writeFileAtomic } from '../base/atomic-file.ts';
import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { run } from '../base/run.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder, referenceTo } from '../client/events.ts';
import { createInformer } from '../client/informer.ts';

/**
 * Where a cluster keeps configuration for its machines: the key `all.yaml` for each of them, `<node>.yaml` for one. Every
 * machine may read it whole.
 */
export const clusterConfig = { namespace: 'kube-system', name: 'knarr-cloud-config' } as const;
/** On the secret: the machines may start anew where only that brings a change about. */
export const mayReboot = 'knarr.io/allow-reboot';
/** On a node: how far it is, by file. */
export const configAnnotation = 'knarr.io/cloud-config';

/** What the machine's tool leaves behind; os/config/trial.ts writes it. */
const machineFolder = '/var/lib/knarr/config';

interface Taken {
  /** Of the content, and of whether a boot was allowed. */
  readonly id: string;
  readonly result: 'kept' | 'returned' | 'refused';
  readonly reason: string;
}

interface Options {
  client: Client;
  nodeName: string;
  log: Logger;
  folder?: string;
  /** Runs `knarr config` with these arguments beside us, whose end it outlives; rejects with what it says. */
  tool?: (args: readonly string[]) => Promise<void>;
}

const besideUs = async (args: readonly string[]): Promise<void> => {
  await run(
    'systemd-run',
    ['--unit=knarr-config-cluster', '--collect', '--quiet', '--wait', '--pipe', '/usr/bin/knarr', 'config', ...args],
    { timeoutMs: 1_800_000 },
  );
};

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** The files of a machine, weakest first, with what the secret wants in them; empty where it wants nothing. */
export function wantedFiles(
  secret: Secret | undefined,
  nodeName: string,
): { name: string; text: string; id: string }[] {
  const reboot = secret?.metadata.annotations?.[mayReboot] === 'true';
  return [
    ['80-cluster', 'all.yaml'],
    ['90-cluster-node', `${nodeName}.yaml`],
  ].map(([name = '', key = '']) => {
    const text = Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
    const id = text === '' ? '' : createHash('sha256').update(`${reboot}\n${text}`).digest('hex').slice(0, 16);
    return { name, text, id };
  });
}

/**
 * The machine's side of a cluster's configuration: each file is tried out once, kept when the machine is well with it,
 * and goes back otherwise; the node says which.
 */
export function createClusterConfig(options: Options): Component {
  const { client, nodeName, log, folder = machineFolder, tool = besideUs } = options;
  const recorder = createEventRecorder({ client, component: 'knarr', host: nodeName, log });
  const informer = createInformer({
    client,
    resource: secrets,
    namespace: clusterConfig.namespace,
    fieldSelector: `metadata.name=${clusterConfig.name}`,
    log,
  });
  const takenFile = join(folder, 'cluster.json');
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let stopped = false;

  const tell = async (taken: Record<string, Taken>, told?: { name: string } & Taken): Promise<void> => {
    const annotations = { [configAnnotation]: JSON.stringify(taken) };
    const node = await client.patch(nodes, nodeName, { type: 'merge', body: { metadata: { annotations } } });
    if (told === undefined) return;
    const { name, result, reason } = told;
    const [type, word] = result === 'kept' ? ['Normal', 'ConfigKept'] : ['Warning', 'ConfigNotKept'];
    recorder.event(referenceTo(nodes, node), type as 'Normal' | 'Warning', word, `${name} is ${result}: ${reason}`);
  };

  const outcomeOf = async (id: string): Promise<Taken | undefined> => {
    const outcome = await readJson<Taken>(join(folder, 'outcome.json'));
    return outcome?.id === id ? { id, result: outcome.result, reason: outcome.reason } : undefined;
  };

  const look = async (): Promise<void> => {
    const secret = informer.get(clusterConfig.name, clusterConfig.namespace);
    const reboot = secret?.metadata.annotations?.[mayReboot] === 'true' ? ['--reboot'] : [];
    for (const { name, text, id } of wantedFiles(secret, nodeName)) {
      const taken = (await readJson<Record<string, Taken>>(takenFile)) ?? {};
      if (stopped || (taken[name]?.id ?? '') === id) continue;
      // One at a time: its end wakes us.
      if ((await readJson(join(folder, 'trial.json'))) !== undefined) return;
      const asked = id === '' ? `${name}-none` : id;
      let result = await outcomeOf(asked);
      if (result === undefined) {
        log.info('the cluster has another configuration for this machine', { file: name });
        const path = join(folder, `${name}.asked`);
        await writeFileAtomic(path, text, { mode: 0o600 });
        const refused = await tool(['try', '--keep-when-healthy', ...reboot, '--as', name, '--id', asked, path]).then(
          () => undefined,
          (error: unknown) => messageOf(error),
        );
        result = await outcomeOf(asked);
        // A boot belongs to the trial, or somebody else's trial was first.
        if (result === undefined && (await readJson(join(folder, 'trial.json'))) !== undefined) return;
        result ??= { id, result: 'refused', reason: refused ?? 'it ended without a word' };
      }
      const { [name]: _, ...others } = taken;
      const now = id === '' && result.result === 'kept' ? others : { ...taken, [name]: { ...result, id } };
      await writeFileAtomic(takenFile, JSON.stringify(now), { mode: 0o600 });
      await tell(now, { name, ...result });
    }
  };

  const wake = (afterMs: number): void => {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(() => {
      working = working.then(look).catch((error: unknown) => {
        log.warn('the cluster’s configuration could not be looked at', { error: messageOf(error) });
        wake(10_000);
      });
    }, afterMs);
    timer.unref();
  };

  return {
    name: 'cluster-config',
    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      watcher = watch(folder, () => wake(500));
      watcher.on('error', (error) => log.warn('trials are no longer watched', { error: messageOf(error) }));
      informer.addHandler({ add: () => wake(50), update: () => wake(50), delete: () => wake(50) });
      informer.start();
      void informer.synced.then(() => wake(50));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      watcher?.close();
      await informer.stop();
      // The tool goes on without us.
      await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
    },
  };
}
