import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../cloud-config/host.ts';
import { KnarrError } from '../../src/base/errors.ts';
import { type Outcome, type Pending, type UpgradeState, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { nameOfVersion } from '../../src/daemon/version.ts';
import { type HealthCheck, healthChecks } from '../health/checks.ts';
import { healthGate } from '../health/gate.ts';
import { finish } from '../health/trial.ts';
import { readRelease } from '../release.ts';
import { copyBeforeTrial, restoreAfterTrial } from '../update/datastore.ts';
import { withUpgradeLock } from '../update/lock.ts';
import { keyFolders, manifestName, readUpdateKeys, signatureName, signerOf } from '../update/manifest.ts';
import { refuseBesideMachine } from '../update/on-trial.ts';
import { checkRoom } from '../update/phases/check.ts';
import { checked } from '../update/phases/write.ts';
import { recordWorkloads } from '../update/record-workloads.ts';
import { upgradeAndTell } from '../update/report.ts';
import type { UpgradeOptions } from '../update/run.ts';
import { keep } from '../update/sources/oci.ts';
import { openSource } from '../update/sources/open.ts';
import { readSmall } from '../update/sources/source.ts';
import { parseDaemonManifest } from './manifest.ts';
import { daemonFolder, daemonGivenUp, daemonStore } from './store.ts';

const unit = 'knarr.service';
const neverJudged = 'the upgrade was ended before it could be judged';

/**
 * Replaces the daemon and nothing else: containerd and the pods under it go on. The new one is tried as a whole machine
 * is, by the same health gate, and the old one is started again, with its datastore, when it is not well.
 */
export async function upgradeDaemon(
  host: Host,
  from: string,
  options: UpgradeOptions & { checkOnly: boolean },
  say: (text: string) => void,
  gate: typeof healthGate = healthGate,
): Promise<Outcome | { to: string }> {
  const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
  const { request } = options;
  return upgradeAndTell(host, { state, request, say }, async (tell) => {
    const { version: image, arch } = await readRelease(host);
    const scratch = join(state.folder, 'download');
    await tell(`opening ${from}`);
    const source = await openSource(from, {
      arch,
      scratch,
      registries: host.path('/etc/rancher/k3s/registries.yaml'),
    });
    const archive = host.path(join(daemonFolder, 'daemon.tar'));
    try {
      const bytes = await readSmall(source, manifestName);
      const signature = (await readSmall(source, signatureName)).toString();
      const key = signerOf(bytes, signature, await readUpdateKeys(keyFolders.map((folder) => host.path(folder))));
      const manifest = parseDaemonManifest(bytes);
      if (manifest.arch !== arch)
        throw new KnarrError({
          code: 'other-arch',
          blame: 'user',
          message: `the update is for ${manifest.arch}, this machine is ${arch}`,
        });
      await tell(`the daemon ${manifest.version} (Kubernetes ${manifest.kubernetes}) is signed by ${key.name}`);
      const pending = await state.read('pending');
      refuseBesideMachine(pending, `the daemon ${manifest.version}`);
      await checkRoom({ host, state });
      if (options.checkOnly) return { to: manifest.version };
      // whoever tried that one was killed, for the lock is ours: it is as if it had not been healthy
      if (pending !== undefined) await judgeDaemon({ host, state, say, gate: async () => [neverJudged] }, pending);
      if (manifest.version === (await daemonStore(host).current(image)))
        throw new KnarrError({
          code: 'same-version',
          blame: 'user',
          message: `${manifest.version} is the daemon that runs`,
        });
      await mkdir(host.path(daemonFolder), { recursive: true, mode: 0o755 });
      const [file] = manifest.files;
      await keep(checked(source.open(file.name), { ...file, role: 'root' }), archive);
      await tell('unpacking');
      await daemonStore(host).unpack(manifest.version, archive, image);
      const before = await daemonStore(host).current();
      return await tryDaemon({ host, state, say, tell, gate }, { before, to: manifest.version }, from, options);
    } finally {
      await rm(archive, { force: true });
      await source.close();
    }
  });
}

interface Context {
  host: Host;
  state: UpgradeState;
  say: (text: string) => void;
  tell: (text: string) => Promise<void>;
  gate: typeof healthGate;
}

/** Stopped, so that the datastore can be copied; what goes wrong meanwhile leaves the old one running. */
async function replaceDaemon({ host, state }: Context, pending: Pending, before: string | undefined): Promise<void> {
  const store = daemonStore(host);
  try {
    await host.run('systemctl', ['stop', unit]);
    await copyBeforeTrial(host, state, pending);
    await store.choose(pending.to, pending.tries);
  } catch (error) {
    await store.goBack(before);
    await state.remove('pending');
    throw error;
  } finally {
    await host.run('systemctl', ['start', '--no-block', unit]);
  }
}

async function tryDaemon(
  context: Context,
  { before, to }: { before: string | undefined; to: string },
  source: string,
  options: UpgradeOptions,
): Promise<Outcome> {
  const { host, state, say, tell } = context;
  await recordWorkloads(host, state, say);
  await state.remove('attempts');
  const at = Math.floor(Date.now() / 1000);
  const pending: Pending = {
    id: `daemon-${to}-${at}`,
    kind: 'daemon',
    from: before ?? nameOfVersion,
    to,
    tries: options.tries,
    deadlineSeconds: options.deadlineSeconds,
    source,
    ...(options.request === undefined ? {} : { request: options.request }),
    at,
  };
  await state.write('pending', pending);
  await tell('starting the new daemon');
  await replaceDaemon(context, pending, before);
  return judgeDaemon(context, pending);
}

/** The daemon that is well must be the one that is tried. */
const onTrial = ({ tries }: Pending): HealthCheck => ({
  name: 'daemon',
  run: async ({ host }) =>
    daemonGivenUp(host) ? { fail: `knarr.service ended ${tries} times before it was ready` } : undefined,
});

/** The trial goes on that a power cut came into; not beside a tool that has begun to replace the daemon meanwhile. */
export async function judgeDaemonAfterCut(
  host: Host,
  say: (text: string) => void,
  gate: typeof healthGate = healthGate,
): Promise<void> {
  const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
  await withUpgradeLock(host, async () => {
    const pending = await state.read('pending');
    if (pending?.kind === 'daemon') await judgeDaemon({ host, state, say, gate }, pending);
  }).catch((error: unknown) => {
    if (!(error instanceof KnarrError) || error.code !== 'busy') throw error;
  });
}

/** Looks whether a daemon on trial is well, and ends the trial one way or the other. */
export async function judgeDaemon(
  { host, state, say, gate }: Pick<Context, 'host' | 'state' | 'say' | 'gate'>,
  pending: Pending,
): Promise<Outcome> {
  const store = daemonStore(host);
  const chosen = await store.current();
  const reasons =
    chosen === pending.to
      ? await gate({
          host,
          state,
          say,
          deadlineSeconds: pending.deadlineSeconds,
          checks: [onTrial(pending), ...healthChecks],
        })
      : ['it was cut off before it could start'];
  if (reasons.length === 0) {
    await store.keep();
    await store.prune([pending.to, pending.from]);
    say(`the daemon ${pending.to} is healthy and stays`);
    return finish(state, pending, 'kept');
  }
  const back = pending.from === nameOfVersion ? undefined : pending.from;
  await host.run('systemctl', ['stop', unit]);
  const datastoreRestored = await restoreAfterTrial(host, state, pending);
  await store.goBack(back);
  await store.prune([back]);
  await host.run('systemctl', ['reset-failed', unit], { okCodes: [0, 1] });
  await host.run('systemctl', ['start', '--no-block', unit]);
  say(`the daemon ${pending.to} was not kept, ${pending.from} runs again: ${reasons.join('; ')}`);
  return finish(state, pending, 'returned', { reasons, datastoreRestored });
}
