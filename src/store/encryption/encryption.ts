import type { Logger } from '../../base/log.ts';
import { aesCbc, aesGcm, secretbox } from './ciphers.ts';
import type { EncryptionConfiguration, Provider } from './configuration.ts';
import { createKms, type Kms } from './kms.ts';
import { identity, keySealer, type Sealer, type Transformer, transformerOf } from './transformer.ts';

/** Which values are sealed, and how. */
export interface Encryption {
  /** Waits until key services have given their keys. */
  start(): Promise<void>;
  stop(): void;
  /** Undefined: the values of this key are not the configuration's business. */
  transformer(key: string): Transformer | undefined;
  /** One for each key service: whether it is well. */
  checks(): readonly (() => Promise<void>)[];
  /** Another configuration, from the next value on: after keys were added, moved or taken out. */
  reload(configuration: EncryptionConfiguration): Promise<void>;
}

interface State {
  readonly services: readonly Kms[];
  readonly byResource: Map<string, Transformer | undefined>;
  readonly find: (group: string, resource: string) => readonly Sealer[];
}

const makers = { aescbc: aesCbc, aesgcm: aesGcm, secretbox } as const;

export function createEncryption(options: { configuration: EncryptionConfiguration; log: Logger }): Encryption {
  const { log } = options;
  let state = stateOf(options.configuration, log);
  return {
    start: () => startAll(state),
    stop: () => stopAll(state),
    transformer(key) {
      const name = resourceOfKey(key);
      const known = state.byResource.get(name);
      if (known || state.byResource.has(name)) return known;
      const [group = '', resource = ''] = name.split('/');
      const sealers = state.find(group === 'core' ? '' : group, resource);
      const transformer = sealers.length > 0 ? transformerOf(sealers) : undefined;
      state.byResource.set(name, transformer);
      return transformer;
    },
    checks: () => state.services.map(({ check }) => check),
    async reload(configuration) {
      const next = stateOf(configuration, log);
      try {
        await startAll(next);
      } catch (error) {
        stopAll(next);
        throw error;
      }
      const before = state;
      state = next;
      stopAll(before);
    },
  };
}

const startAll = async ({ services }: State): Promise<void> => {
  await Promise.all(services.map((service) => service.start()));
};
const stopAll = ({ services }: State): void => {
  for (const service of services) service.stop();
};

/** `core/secrets` of `/registry/core/secrets/…`. */
function resourceOfKey(key: string): string {
  const start = key.indexOf('/', 1) + 1;
  const middle = key.indexOf('/', start);
  const end = key.indexOf('/', middle + 1);
  return key.slice(start, end < 0 ? undefined : end);
}

function stateOf({ resources }: EncryptionConfiguration, log: Logger): State {
  const services: Kms[] = [];
  const sealersOf = (provider: Provider): Sealer[] => {
    if (provider.kind === 'identity') return [identity];
    if (provider.kind !== 'kms')
      return provider.keys.map(({ name, secret }) =>
        keySealer(`k8s:enc:${provider.kind}:v1:${name}:`, makers[provider.kind](secret)),
      );
    const service = createKms({ ...provider, log: log.child('kms') });
    services.push(service);
    return [service];
  };
  const entries = resources.map((entry) => ({
    names: new Set(entry.resources.map((name) => (name.endsWith('.') ? name.slice(0, -1) : name))),
    sealers: entry.providers.flatMap(sealersOf),
  }));
  /** What names the resource itself goes before what names its group, and that before `*.*`. */
  const find = (group: string, resource: string): readonly Sealer[] => {
    const dotted = (word: string): string => (group === '' ? word : `${word}.${group}`);
    for (const name of [dotted(resource), dotted('*'), '*.*']) {
      const found = entries.filter(({ names }) => names.has(name)).flatMap(({ sealers }) => sealers);
      if (found.length > 0) return found;
    }
    return [];
  };
  return { services, byResource: new Map(), find };
}
