import type { Pod } from '../../api/gen/core-v1.ts';
import type { StatusCause } from '../../api/gen/meta-v1.ts';
import { invalid } from '../../api/status.ts';
import { booleanOf, integerOf } from '../handlers/options.ts';
import { containerOf } from './kubelet.ts';

/** Paths on the kubelet for what clients ask of a pod. */

function streams(query: URLSearchParams, commands: boolean): URLSearchParams {
  const result = new URLSearchParams();
  const copy = (from: string, to: string, otherwise: boolean): void => {
    if (booleanOf(query, from) ?? otherwise) result.set(to, '1');
  };
  copy('stdin', 'input', false);
  // Both directions are on unless the client speaks of them: upstream's defaults of the options object.
  copy('stdout', 'output', true);
  copy('stderr', 'error', true);
  copy('tty', 'tty', false);
  if (commands) for (const command of query.getAll('command')) result.append('command', command);
  return result;
}

const place = (pod: Pod): string => `${pod.metadata?.namespace}/${pod.metadata?.name}`;
const withQuery = (path: string, query: URLSearchParams): string => (query.size > 0 ? `${path}?${query}` : path);

export const execPath = (pod: Pod, query: URLSearchParams): string =>
  withQuery(`/exec/${place(pod)}/${containerOf(pod, query.get('container'))}`, streams(query, true));

export const attachPath = (pod: Pod, query: URLSearchParams): string =>
  withQuery(`/attach/${place(pod)}/${containerOf(pod, query.get('container'))}`, streams(query, false));

export function portForwardPath(pod: Pod, query: URLSearchParams): string {
  const ports = query.getAll('ports').flatMap((item) => item.split(','));
  return withQuery(
    `/portForward/${place(pod)}`,
    new URLSearchParams(ports.length > 0 ? { port: ports.join(',') } : {}),
  );
}

function checkLogOptions(query: URLSearchParams, name: string): void {
  const causes: StatusCause[] = [];
  const atLeast = (field: string, minimum: number, text: string): void => {
    const value = integerOf(query, field);
    if (value !== undefined && value < minimum)
      causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${text}`, field });
  };
  atLeast('tailLines', 0, 'must be greater than or equal to 0');
  atLeast('limitBytes', 1, 'must be greater than 0');
  if (query.has('sinceSeconds') && query.has('sinceTime'))
    causes.push({
      reason: 'FieldValueForbidden',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      field: '',
    });
  else atLeast('sinceSeconds', 1, 'must be greater than 0');
  if (causes.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, name, causes);
}

const logFlags = ['follow', 'previous', 'timestamps'];
const logValues = ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes', 'stream'];

export function logPath(pod: Pod, query: URLSearchParams): string {
  checkLogOptions(query, pod.metadata?.name ?? '');
  const container = containerOf(pod, query.get('container'));
  const asked = new URLSearchParams();
  for (const name of logFlags) if (booleanOf(query, name)) asked.set(name, 'true');
  for (const name of logValues) {
    const value = query.get(name);
    if (value) asked.set(name, value);
  }
  return withQuery(`/containerLogs/${place(pod)}/${container}`, asked);
}
