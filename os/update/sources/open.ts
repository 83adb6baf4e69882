import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError } from '../../../src/base/errors.ts';
import { folderSource } from './folder.ts';
import { download, httpSource } from './http.ts';
import { keep, layoutStore, ociSource } from './oci.ts';
import { parseReference, registryStore } from './registry.ts';
import type { UpdateSource } from './source.ts';
import { tarSource } from './tar.ts';

export interface OpenOptions {
  arch: string;
  /** A folder for downloads that must be whole before they can be read. */
  scratch: string;
  registries?: string;
}

async function downloadedTar(url: string, { scratch }: OpenOptions): Promise<UpdateSource> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const path = join(scratch, 'update.tar');
  await keep(download(url), path);
  return tarSource(path, { name: url, temporary: true });
}

/** `oci:FOLDER[:TAG]` or a folder with `oci-layout` in it. */
const layoutOf = (text: string, options: OpenOptions): Promise<UpdateSource> => {
  const [, folder = '', tag = ''] = /^(.*?)(?::([\w.-]+))?$/.exec(text) ?? [];
  return ociSource(layoutStore(folder), tag, options);
};

function registryOf(text: string, options: OpenOptions, plainHttp: boolean): Promise<UpdateSource> | undefined {
  const reference = parseReference(text);
  if (reference === undefined) return undefined;
  const { registries } = options;
  const store = registryStore(reference, { plainHttp, ...(registries === undefined ? {} : { registries }) });
  return ociSource(store, reference.reference, options);
}

const noUpdate = (from: string): KnarrError =>
  new KnarrError({
    code: 'update-source',
    blame: 'user',
    message: `${JSON.stringify(from)} is no update: name a folder, a .tar file, an http(s) URL, oci:FOLDER or an image (oci://host/name:tag)`,
  });

function pathOf(url: string): string {
  if (!URL.canParse(url)) throw noUpdate(url);
  return new URL(url).pathname;
}

/**
 * Opens what a person may name as an update: a folder, a tar file, an image layout (`oci:FOLDER`), a URL of a tar file
 * (`….tar`) or of a folder, an image of a registry (`oci://host/name:tag`, or `oci+http://…` without TLS).
 */
export async function openSource(from: string, options: OpenOptions): Promise<UpdateSource> {
  const [, scheme, rest = ''] = /^([a-z+]+):(?:\/\/)?(.*)$/.exec(from) ?? [];
  if (scheme === 'http' || scheme === 'https')
    return pathOf(from).endsWith('.tar') ? downloadedTar(from, options) : httpSource(from);
  if (scheme === 'file') return openSource(pathOf(from), options);
  if (scheme === 'oci' && !from.startsWith('oci://')) return layoutOf(rest, options);
  if (scheme === 'oci' || scheme === 'docker' || scheme === 'oci+http') {
    const opened = registryOf(rest, options, scheme === 'oci+http');
    if (opened !== undefined) return opened;
  } else if (existsSync(from)) {
    if (!(await stat(from)).isDirectory()) return tarSource(from);
    return existsSync(join(from, 'oci-layout')) ? ociSource(layoutStore(from), '', options) : folderSource(from);
  } else {
    const opened = registryOf(from, options, false);
    if (opened !== undefined) return opened;
  }
  throw noUpdate(from);
}
