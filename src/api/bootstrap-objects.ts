import { readFile } from 'node:fs/promises';
import type { KubernetesObject } from './object.ts';

/** What a fresh server makes by itself, by resource. */
export type BootstrapResource =
  | 'clusterroles'
  | 'clusterrolebindings'
  | 'roles'
  | 'rolebindings'
  | 'flowschemas'
  | 'prioritylevelconfigurations'
  | 'priorityclasses'
  | 'namespaces'
  | 'apiservices';

export type BootstrapObject = KubernetesObject & Record<string, unknown>;

export async function readBootstrapObjects(): Promise<Readonly<Record<BootstrapResource, readonly BootstrapObject[]>>> {
  return JSON.parse(await readFile(new URL('./facts/bootstrap-objects.json', import.meta.url), 'utf8'));
}
