import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from '../gen/core-v1.ts';

interface Item {
  readonly path: string;
  /** Where it comes from; '' where a volume has one source alone. */
  readonly source: string;
}

const itemsOf = (list: readonly (KeyToPath | DownwardAPIVolumeFile)[] | undefined, source = ''): Item[] =>
  (list ?? []).map(({ path }) => ({ path, source }));

const shown = ({ path, source }: Item): string => JSON.stringify(path) + (source === '' ? '' : ` (${source})`);

const clash = (a: string, b: string): boolean => `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);

/** Which paths are the same as others before them, or lie in them. */
function clashes(items: readonly Item[]): string[] {
  const before: Item[] = [];
  return items.flatMap(({ path, source }) => {
    const item = { path: path.replace(/\/+$/, ''), source };
    const found = item.path === '' ? [] : before.filter((other) => other.path !== '' && clash(other.path, item.path));
    before.push(item);
    return found.map((other) => `${shown(item)} with ${shown(other)}`);
  });
}

function projected(source: VolumeProjection): Item[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, podCertificate } = source;
  if (configMap) return itemsOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`);
  if (secret) return itemsOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`);
  if (downwardAPI) return itemsOf(downwardAPI.items, 'DownwardAPI');
  if (token) return [{ path: token.path, source: 'ServiceAccountToken' }];
  if (source.clusterTrustBundle) {
    const { name, signerName, path } = source.clusterTrustBundle;
    return [{ path, source: `ClusterTrustBundle ${JSON.stringify(name ?? signerName ?? '')}` }];
  }
  return [
    { path: podCertificate?.certificateChainPath ?? '', source: 'PodCertificate chain' },
    { path: podCertificate?.keyPath ?? '', source: 'PodCertificate key' },
    { path: podCertificate?.credentialBundlePath ?? '', source: 'PodCertificate credential bundle' },
  ].filter(({ path }) => path !== '');
}

/** Files of one volume that lie in one another's way. */
export function overlaps(volumes: readonly Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected: many }) => {
    const told = (what: string, items: readonly Item[]): string[] =>
      clashes(items).map((text) => `volume ${JSON.stringify(name)} (${what}): overlapping paths: ${text}`);
    const sources = many?.sources ?? [];
    return [
      ...told(`ConfigMap ${JSON.stringify(configMap?.name ?? '')}`, itemsOf(configMap?.items)),
      ...told(`Secret ${JSON.stringify(secret?.secretName ?? '')}`, itemsOf(secret?.items)),
      ...told('DownwardAPI', itemsOf(downwardAPI?.items)),
      ...sources
        .filter((source) => Object.keys(source).length === 0)
        .map(() => `volume ${JSON.stringify(name)} (Projected) has no sources provided`),
      ...told('Projected', sources.flatMap(projected)),
    ];
  });
}
