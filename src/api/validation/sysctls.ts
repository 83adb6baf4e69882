import type { PodSpec } from '../gen/core-v1.ts';
import type { Problems } from './problems.ts';

/** Kernel settings of a pod. Upstream: `pkg/apis/core/validation`, `component-helpers/node/util/sysctl`. */

const grammar = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const pattern = new RegExp(grammar);

const ipcNames = new Set([
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'kernel.shm',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.msg',
]);

/** Written with slashes between the parts, what stands for the other separator is swapped. */
function normalized(name: string): string {
  if (/[./]/.exec(name)?.[0] !== '/') return name;
  return name.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

/** The field of a pod that gives it the host's namespace of what a setting is of. */
function sharedBy(name: string): 'hostNetwork' | 'hostIPC' | undefined {
  const [prefix = ''] = normalized(name).split('*');
  if (ipcNames.has(prefix) || prefix.startsWith('fs.mqueue.')) return 'hostIPC';
  return prefix.startsWith('net.') ? 'hostNetwork' : undefined;
}

export function validateSysctls(p: Problems, path: string, spec: PodSpec): void {
  const names = new Set<string>();
  for (const [i, { name = '' }] of (spec.securityContext?.sysctls ?? []).entries()) {
    const at = `${path}[${i}].name`;
    if (name === '') p.required(at);
    else if (name.length > 253 || !pattern.test(name)) {
      p.invalid(at, name, `must have at most 253 characters and match regex ${grammar}`);
    } else if (names.has(name)) p.duplicate(at, name);
    names.add(name);
    const shared = sharedBy(name);
    if (shared && spec[shared]) p.invalid(at, name, `may not be specified when '${shared}' is true`);
  }
}
