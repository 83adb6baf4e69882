import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { secrets } from '../api/gen/resources.ts';
import { isApiError } from '../api/status.ts';
import { type FollowedFile, followFile } from '../apiserver/configuration/follow-file.ts';
import { identityOf } from '../apiserver/identity.ts';
import { createReloadMetrics } from '../apiserver/metrics/reloads.ts';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError, messageOf, systemCode } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { Backend } from '../store/backend.ts';
import { type EncryptionConfiguration, parseEncryptionConfiguration } from '../store/encryption/configuration.ts';
import { createEncryptedBackend } from '../store/encryption/encrypted-backend.ts';
import { createEncryption } from '../store/encryption/encryption.ts';
import {
  configurationOf,
  firstK3sKeys,
  type K3sEncryption,
  type KeyKind,
  readK3sFile,
  withLastKeyFirst,
  withNewKey,
  withoutOldKeys,
  writeK3sFile,
} from '../store/encryption/k3s-file.ts';
import type { EncryptionSettings } from './apiserver-settings.ts';

/** Where a change of keys stands, as K3s names its stages. */
const stages = ['start', 'prepare', 'rotate', 'reencrypt_request', 'reencrypt_active', 'reencrypt_finished'] as const;
export type Stage = (typeof stages)[number];

export interface EncryptionState {
  readonly stage: Stage | '';
  readonly activekey: string;
  /** Left out where Secrets were never encrypted. */
  readonly enable?: boolean;
  readonly hashmatch?: boolean;
  readonly inactivekeys?: readonly string[];
}

export interface EncryptionRequest {
  readonly stage?: string;
  readonly enable?: boolean;
  readonly force?: boolean;
  readonly skip?: boolean;
}

/** The datastore's encryption, and what `knarr secrets-encrypt` does with it. */
export interface SecretsEncryption {
  wrap(backend: Backend): Backend;
  /** Follows the user's file, where that is asked for. */
  start(): void;
  stop(): Promise<void>;
  /** Whether the key services are well, by the names of upstream's checks. */
  checks(): readonly { name: string; check: () => Promise<void> }[];
  /** How following a configuration of the user's own went, in the text format of Prometheus. */
  renderMetrics(): string;
  status(): EncryptionState;
  /** Throws KnarrError where the request does not fit the state. */
  change(request: EncryptionRequest, client: Client): Promise<void>;
}

export interface SecretsEncryptionOptions {
  /** `server/cred`. */
  folder: string;
  /** `--secrets-encryption` and its provider. */
  wanted: boolean;
  kind: KeyKind;
  /** A configuration of the user's own, in place of that. */
  own: EncryptionSettings | undefined;
  log: Logger;
}

const nothing: EncryptionConfiguration = { resources: [] };
const pageSize = 500;

const kindTexts: Readonly<Record<KeyKind, string>> = { aescbc: 'AES-CBC', secretbox: 'XSalsa20-POLY1305' };

const refuse = (message: string): KnarrError => new KnarrError({ code: 'secrets-encrypt', blame: 'user', message });

async function readOwn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new KnarrError({
      code: 'encryption-config',
      blame: 'user',
      message: `--kube-apiserver-arg=encryption-provider-config: ${messageOf(error)}`,
    });
  }
}

async function readStage(path: string): Promise<Stage> {
  try {
    const { stage } = JSON.parse(await readFile(path, 'utf8')) as { stage?: Stage };
    return stage !== undefined && stages.includes(stage) ? stage : 'start';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'start';
    throw error;
  }
}

/** Reads keys and stage. A file that is there counts, whatever the flags say: it may hold the only keys. */
export async function openSecretsEncryption(options: SecretsEncryptionOptions): Promise<SecretsEncryption> {
  const { folder, wanted, kind, own, log } = options;
  const path = join(folder, 'encryption-config.json');
  const statePath = join(folder, 'encryption-state.json');
  let keys: K3sEncryption | undefined;
  let stage: Stage = 'start';
  let ownText = '';
  let configuration = nothing;
  if (own) {
    if (wanted)
      throw new KnarrError({
        code: 'invalid-setting',
        blame: 'user',
        message:
          '--secrets-encryption and --kube-apiserver-arg=encryption-provider-config exclude each other: both say how Secrets are encrypted',
      });
    ownText = await readOwn(own.file);
    configuration = parseEncryptionConfiguration(ownText);
  } else {
    keys = await readK3sFile(path);
    stage = await readStage(statePath);
    if (!keys && wanted) {
      keys = firstK3sKeys(kind);
      await writeK3sFile(path, keys);
    }
    if (keys) configuration = configurationOf(keys);
  }
  const encryption = createEncryption({ configuration, log });
  const reloads = createReloadMetrics('encryption', identityOf(hostname()));
  if (own) reloads.loaded(ownText);
  let file: FollowedFile | undefined;
  let busy = false;

  const setStage = async (next: Stage): Promise<void> => {
    stage = next;
    await writeFileAtomic(statePath, `${JSON.stringify({ stage })}\n`, { mode: 0o600 });
  };
  /** On disk first: a key that seals must never be lost. */
  const take = async (next: K3sEncryption): Promise<void> => {
    const text = configurationOf(next);
    await writeK3sFile(path, next);
    await encryption.reload(text);
    keys = next;
  };
  /** Writes every Secret as it is: what is stored with another key than the first is stored anew. */
  const reencrypt = async (client: Client): Promise<void> => {
    let count = 0;
    let next: string | undefined;
    do {
      const page = await client.list(secrets, { limit: pageSize, ...(next ? { continue: next } : {}) });
      for (const secret of page.items) {
        const { name = '', namespace = '' } = secret.metadata;
        await client.update(secrets, secret, { namespace }).catch((error: unknown) => {
          // Somebody wrote it meanwhile, with the new key, or took it away.
          if (!isApiError(error, 'Conflict') && !isApiError(error, 'NotFound'))
            throw new Error(`${namespace}/${name}: ${messageOf(error)}`);
        });
        count++;
      }
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
    log.info('all Secrets are written anew', { count });
  };
  const needKeys = (): K3sEncryption => {
    if (keys) return keys;
    throw refuse('there are no keys: Secrets were never encrypted here');
  };
  const expect = (force: boolean, ...allowed: Stage[]): void => {
    if (!force && !allowed.includes(stage))
      throw refuse(`incorrect stage: ${stage} found, expected ${allowed.join(' or ')}`);
  };

  const enable = async (on: boolean, client: Client): Promise<void> => {
    if (keys === undefined) {
      if (!on) return;
      await take(firstK3sKeys(kind));
    } else {
      if (keys.enabled === on) return;
      if (on && keys.keys[kind].length === 0)
        throw refuse(`cannot enable secrets encryption with ${kind} key type, no keys found`);
      await take({ ...keys, enabled: on, ...(on ? { kind } : {}) });
    }
    await reencrypt(client);
  };
  /** In its own time; who asked does not wait. */
  const reencryptLater = (client: Client, skip: boolean): void => {
    busy = true;
    const before = stage;
    const work = async (): Promise<void> => {
      await setStage('reencrypt_active');
      await reencrypt(client);
      if (skip) {
        await setStage(before);
        return;
      }
      await take(withoutOldKeys(needKeys()));
      await setStage('reencrypt_finished');
    };
    work()
      .catch((error: unknown) => log.error('Secrets are not all written anew', { error: messageOf(error) }))
      .finally(() => {
        busy = false;
      });
  };

  const turns: Readonly<Record<string, (request: EncryptionRequest, client: Client) => Promise<void>>> = {
    async prepare({ force = false }) {
      expect(force, 'start', 'reencrypt_finished');
      await take(withNewKey(needKeys(), kind));
      await setStage('prepare');
    },
    async rotate({ force = false }) {
      expect(force, 'prepare');
      await take(withLastKeyFirst(needKeys(), kind));
      await setStage('rotate');
    },
    async reencrypt_active({ force = false, skip = false }, client) {
      expect(force, 'rotate');
      needKeys();
      reencryptLater(client, skip);
    },
    async rotate_keys(_request, client) {
      expect(false, 'start', 'reencrypt_finished');
      await take(withNewKey(needKeys(), kind));
      await take(withLastKeyFirst(needKeys(), kind));
      reencryptLater(client, false);
    },
  };

  return {
    wrap: (backend) => createEncryptedBackend({ backend, encryption, log }),
    start() {
      if (!own?.follow) return;
      file = followFile({
        path: own.file,
        text: ownText,
        changed: (text) => encryption.reload(parseEncryptionConfiguration(text)),
        told: reloads.reloaded,
        log,
      });
    },
    stop: async () => await file?.stop(),
    renderMetrics: () => reloads.render(),
    checks() {
      const all = encryption.checks();
      if (own?.follow)
        return [
          {
            name: 'kms-providers',
            check: async () => void (await Promise.all(encryption.checks().map((one) => one()))),
          },
        ];
      return all.map((check, i) => ({ name: `kms-provider-${i}`, check }));
    },
    status() {
      if (!keys) return { stage: '', activekey: '' };
      const names = (
        [keys.kind, ...(['aescbc', 'secretbox'] as const).filter((one) => one !== keys?.kind)] as const
      ).flatMap((one) => (keys as K3sEncryption).keys[one].map(({ name }) => `${kindTexts[one]} ${name}`));
      const [active = '', ...rest] = keys.enabled ? names : ['', ...names];
      return {
        stage,
        activekey: active,
        enable: keys.enabled,
        hashmatch: true,
        ...(rest.length > 0 ? { inactivekeys: rest } : {}),
      };
    },
    async change(request, client) {
      if (own)
        throw refuse('keys are those of --kube-apiserver-arg=encryption-provider-config: change them in that file');
      if (busy) throw refuse('Secrets are being written anew; wait until that is done');
      if (request.stage !== undefined) {
        const turn = turns[request.stage];
        if (!turn) throw refuse(`unknown stage ${request.stage} requested`);
        await turn(request, client);
      } else if (request.enable !== undefined) await enable(request.enable, client);
    },
  };
}
