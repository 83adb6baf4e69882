import type {
  ConfigMapProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  SecretProjection,
  Volume,
  VolumeProjection,
} from '../../api/gen/core-v1.ts';
import { isApiError } from '../../api/status.ts';
import { KnarrError } from '../../base/errors.ts';
import { fieldValue } from '../pod/field-ref.ts';
import { findContainer } from '../pod/pod.ts';
import { resourceFieldValue } from '../pod/resources.ts';
import { type ProjectedFile, writePayload } from './atomic-writer.ts';
import type { VolumeContext, VolumePlugin } from './types.ts';

type Files = Map<string, ProjectedFile>;

const wrong = (message: string): KnarrError => new KnarrError({ code: 'volume', blame: 'user', message });

/** All keys, or those chosen with their paths and modes. */
function chooseKeys(
  what: string,
  data: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional: boolean,
): Files {
  const files: Files = new Map();
  if (!items?.length) for (const [key, value] of data) files.set(key, { data: value, mode });
  for (const item of items ?? []) {
    const value = data.get(item.key);
    if (value === undefined) {
      if (optional) continue;
      throw wrong(`references non-existent ${what} key: ${item.key}`);
    }
    files.set(item.path, { data: value, mode: item.mode ?? mode });
  }
  return files;
}

async function orEmpty<T>(optional: boolean | undefined, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (optional && isApiError(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function configMapFiles(context: VolumeContext, source: ConfigMapProjection, mode: number): Promise<Files> {
  const { namespace } = context.pod.metadata;
  const found = await orEmpty(source.optional, context.sources.configMap(namespace, source.name ?? ''));
  const data = new Map([
    ...Object.entries(found?.data ?? {}).map(([k, v]) => [k, Buffer.from(v)] as const),
    ...Object.entries(found?.binaryData ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64')] as const),
  ]);
  return chooseKeys('config', data, source.items, mode, source.optional === true);
}

async function secretFiles(context: VolumeContext, source: SecretProjection, mode: number): Promise<Files> {
  const { namespace } = context.pod.metadata;
  const found = await orEmpty(source.optional, context.sources.secret(namespace, source.name ?? ''));
  const data = new Map(Object.entries(found?.data ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64')] as const));
  return chooseKeys('secret', data, source.items, mode, source.optional === true);
}

function downwardFiles(context: VolumeContext, items: readonly DownwardAPIVolumeFile[], mode: number): Files {
  const { pod, sources } = context;
  const textOf = (item: DownwardAPIVolumeFile): string => {
    if (item.fieldRef) return fieldValue(pod, item.fieldRef.fieldPath, sources.fields(pod));
    if (!item.resourceFieldRef) return '';
    const container = findContainer(pod, item.resourceFieldRef.containerName ?? '')?.container;
    if (!container) throw wrong(`container ${item.resourceFieldRef.containerName} not found`);
    return resourceFieldValue(container, item.resourceFieldRef, sources.allocatable());
  };
  return new Map(items.map((item) => [item.path, { data: Buffer.from(textOf(item)), mode: item.mode ?? mode }]));
}

/** The one user that all containers run as, when there is one: it alone may read the pod's tokens. */
function singleUser(context: VolumeContext): number | undefined {
  const { spec } = context.pod;
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const users = all.map((c) => c.securityContext?.runAsUser ?? spec.securityContext?.runAsUser);
  return users.every((u) => u !== undefined && u === users[0]) ? users[0] : undefined;
}

async function projectionFiles(
  context: VolumeContext,
  source: VolumeProjection,
  mode: number,
): Promise<{ files: Files; renewAt?: number }> {
  if (source.configMap) return { files: await configMapFiles(context, source.configMap, mode) };
  if (source.secret) return { files: await secretFiles(context, source.secret, mode) };
  if (source.downwardAPI) return { files: downwardFiles(context, source.downwardAPI.items ?? [], mode) };
  if (source.serviceAccountToken) {
    const { audience, expirationSeconds = 3600, path } = source.serviceAccountToken;
    const { token, renewAt } = await context.sources.token(context.pod, { audience, expirationSeconds, path });
    const uid = singleUser(context);
    const owned = uid !== undefined || context.pod.spec.securityContext?.fsGroup !== undefined;
    const file: ProjectedFile = { data: Buffer.from(token), mode: owned ? 0o600 : mode };
    return { files: new Map([[path, uid === undefined ? file : { ...file, uid }]]), renewAt };
  }
  throw wrong(
    `projected volume ${JSON.stringify(context.volume.name)}: ${Object.keys(source).join(', ')} is not supported`,
  );
}

const fsGroup = (context: VolumeContext): { gid?: number } => {
  const gid = context.pod.spec.securityContext?.fsGroup;
  return gid === undefined ? {} : { gid };
};

export const configMapPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~configmap',
  matches: (volume) => volume.configMap !== undefined,
  async setUp(context) {
    const source = context.volume.configMap as NonNullable<Volume['configMap']>;
    await writePayload(
      context.folder,
      await configMapFiles(context, source, source.defaultMode ?? 0o644),
      fsGroup(context),
    );
    return { hostPath: context.folder, readOnly: true };
  },
};

export const secretPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~secret',
  matches: (volume) => volume.secret !== undefined,
  async setUp(context) {
    const source = context.volume.secret as NonNullable<Volume['secret']>;
    const files = await secretFiles(
      context,
      { name: source.secretName, items: source.items, optional: source.optional },
      source.defaultMode ?? 0o644,
    );
    await writePayload(context.volatileFolder, files, fsGroup(context));
    return { hostPath: context.volatileFolder, readOnly: true };
  },
};

export const downwardApiPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~downward-api',
  matches: (volume) => volume.downwardAPI !== undefined,
  async setUp(context) {
    const { items = [], defaultMode = 0o644 } = context.volume.downwardAPI as NonNullable<Volume['downwardAPI']>;
    await writePayload(context.folder, downwardFiles(context, items, defaultMode), fsGroup(context));
    return { hostPath: context.folder, readOnly: true };
  },
};

export const projectedPlugin: VolumePlugin = {
  folderName: 'kubernetes.io~projected',
  matches: (volume) => volume.projected !== undefined,
  async setUp(context) {
    const { sources = [], defaultMode = 0o644 } = context.volume.projected as NonNullable<Volume['projected']>;
    const parts = await Promise.all(sources.map((source) => projectionFiles(context, source, defaultMode)));
    const files: Files = new Map(parts.flatMap((part) => [...part.files]));
    await writePayload(context.volatileFolder, files, fsGroup(context));
    const renewals = parts.flatMap((part) => (part.renewAt === undefined ? [] : [part.renewAt]));
    return {
      hostPath: context.volatileFolder,
      readOnly: true,
      ...(renewals.length > 0 ? { renewAt: Math.min(...renewals) } : {}),
    };
  },
};
