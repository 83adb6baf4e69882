import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isApiError } from '../../api/status.ts';
import type { Component } from '../../base/component.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createEventRecorder, referenceTo } from '../../client/events.ts';
import { type Addon, addons, ensureAddonResource } from './addon.ts';
import { applyObjects, type Gvk, pruneObjects } from './apply.ts';
import { addonName, checksum, parseManifest } from './documents.ts';
import { createKinds } from './kinds.ts';

export interface ManifestsOptions {
  client: Client;
  /** `server/manifests`; folders in it are looked into too. */
  folder: string;
  nodeName: string;
  /** Add-ons that are not wanted: their objects and their file are deleted. */
  disabled: ReadonlySet<string>;
  log: Logger;
}

const namespace = 'kube-system';
const settleMs = 500;
const retryMs = 15_000;

const gvksOf = (addon: Addon | undefined): Gvk[] =>
  (addon?.status?.gvks ?? []).map(({ group, version, kind }) => ({
    apiVersion: group === undefined || group === '' ? version : `${group}/${version}`,
    kind,
  }));

const statusOf = (gvks: readonly Gvk[]): NonNullable<Addon['status']> => ({
  gvks: gvks.map(({ apiVersion, kind }) => {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return { group: group ?? '', version: version ?? '', kind };
  }),
});

/**
 * Applies every file of the folder at start and when it changes; what a file no longer names is deleted, what a deleted
 * file named stays. `<file>.skip` beside a file leaves it alone. Each file is recorded as an Addon, with events.
 */
export function createManifests(options: ManifestsOptions): Component {
  const { client, folder, nodeName, disabled, log } = options;
  const applier = { client, kinds: createKinds(client), fieldManager: `deploy@${nodeName}` };
  const recorder = createEventRecorder({ client, component: 'helm-controller', host: nodeName, log });
  const lifetime = new AbortController();
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  const told = new Set<string>();

  const read = (name: string): Promise<Addon | undefined> =>
    client.get(addons, name, { namespace }).catch((error: unknown) => {
      if (isApiError(error, 'NotFound')) return undefined;
      throw error;
    });

  const record = (name: string, source: string, sum: string, gvks: readonly Gvk[]): Promise<Addon> =>
    client.patch(
      addons,
      name,
      {
        type: 'apply',
        force: true,
        body: {
          apiVersion: 'k3s.cattle.io/v1',
          kind: 'Addon',
          metadata: { name, namespace },
          spec: { source, checksum: sum },
          status: statusOf(gvks),
        },
      },
      { namespace, fieldManager: applier.fieldManager },
    );

  const deploy = async (name: string, path: string): Promise<void> => {
    const text = await readFile(path, 'utf8');
    const sum = checksum(text);
    const known = await read(name);
    if (known?.spec?.checksum === sum) return;
    const before = gvksOf(known);
    // The record comes first, without its sum: what fails half-way is tried again and can be told as events.
    const addon = await record(name, path, '', before);
    const about = referenceTo(addons, addon);
    recorder.event(about, 'Normal', 'ApplyingManifest', `Applying manifest at "${path}"`);
    try {
      const { gvks, keys } = await applyObjects(applier, name, parseManifest(path, text));
      await pruneObjects(applier, name, [...before, ...gvks], keys);
      await record(name, path, sum, gvks);
      recorder.event(about, 'Normal', 'AppliedManifest', `Applied manifest at "${path}"`);
      log.info('manifest applied', { file: path });
    } catch (error) {
      recorder.event(
        about,
        'Warning',
        'ApplyManifestFailed',
        `Applying manifest at "${path}" failed: ${messageOf(error)}`,
      );
      throw error;
    }
  };

  const uninstall = async (name: string, path: string): Promise<void> => {
    const known = await read(name);
    if (known !== undefined) {
      await pruneObjects(applier, name, gvksOf(known), new Set());
      await client.delete(addons, name, { namespace });
    }
    await rm(path, { force: true });
    log.info('manifest disabled', { file: path });
  };

  const ignore = (path: string, why: string): void => {
    if (told.has(path)) return;
    told.add(path);
    log.warn('manifest ignored', { file: path, why });
  };

  const scan = async (): Promise<boolean> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const seen = new Map<string, string>();
    let good = true;
    for (const path of files.sort()) {
      const result = addonName(path.slice(path.lastIndexOf('/') + 1));
      if ('ignored' in result) {
        if (result.ignored !== undefined) ignore(path, result.ignored);
        continue;
      }
      const { name } = result;
      const twin = seen.get(name);
      if (twin !== undefined) {
        ignore(path, `${twin} has the same name`);
        continue;
      }
      seen.set(name, path);
      if (files.includes(`${path}.skip`)) continue;
      try {
        await (disabled.has(name) ? uninstall(name, path) : deploy(name, path));
      } catch (error) {
        good = false;
        log.error('manifest not applied', { file: path, error: messageOf(error) });
      }
    }
    return good;
  };

  const again = (afterMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      working = working.then(async () => {
        if (lifetime.signal.aborted) return;
        const good = await scan().catch((error: unknown) => {
          log.error('the manifests folder cannot be read', { error: messageOf(error) });
          return false;
        });
        if (!good && !lifetime.signal.aborted) again(retryMs);
      });
    }, afterMs);
    timer.unref();
  };

  return {
    name: 'manifests',
    async start() {
      await mkdir(folder, { recursive: true });
      await ensureAddonResource(client, lifetime.signal);
      watcher = watch(folder, { recursive: true }, () => again(settleMs));
      watcher.on('error', (error) =>
        log.warn('the manifests folder is no longer watched', { error: messageOf(error) }),
      );
      again(0);
    },
    async stop() {
      lifetime.abort();
      clearTimeout(timer);
      watcher?.close();
      await working;
    },
  };
}
