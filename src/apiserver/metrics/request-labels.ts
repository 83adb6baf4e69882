import type { Exchange } from '../http/exchange.ts';
import type { RequestInfo } from '../http/request-info.ts';

/** What of a request its figures are told apart by. */
export interface Asked {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly headers: Exchange['headers'];
}

const verbs: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
  post: 'POST',
  put: 'PUT',
  head: 'HEAD',
  options: 'OPTIONS',
};

const connecting = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

const isApply = ({ info, headers }: Asked): boolean =>
  info.verb === 'patch' && headers['content-type'] === 'application/apply-patch+yaml';

function verbOf(asked: Asked): string {
  const { info } = asked;
  if (info.isResource && connecting.has(info.subresource)) return 'CONNECT';
  return isApply(asked) ? 'APPLY' : (verbs[info.verb] ?? 'other');
}

function scopeOf({ isResource, name, namespace, verb }: RequestInfo): string {
  if (!isResource) return '';
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

export function dryRunOf({ query }: Asked): '' | 'All' | 'invalid' {
  if (query.size === 0) return '';
  const values = query.getAll('dryRun');
  if (values.length === 0) return '';
  return values.every((value) => value === 'All') ? 'All' : 'invalid';
}

const validations = new Set(['', 'Ignore', 'Strict', 'Warn']);

export function fieldValidationOf({ query }: Asked): string {
  const values = query.size === 0 ? [] : query.getAll('fieldValidation');
  const [value = ''] = values;
  return values.length <= 1 && validations.has(value) ? value : 'invalid';
}

/** The labels that most families have; `subresource` is the path where there is no resource. */
export interface RequestLabels {
  readonly group: string;
  readonly resource: string;
  readonly scope: string;
  readonly subresource: string;
  readonly verb: string;
  readonly version: string;
}

export function labelsOf(asked: Asked): RequestLabels {
  const { info } = asked;
  const { group, resource, version } = info;
  const subresource = info.isResource ? info.subresource : info.path;
  return { group, resource, scope: scopeOf(info), subresource, verb: verbOf(asked), version };
}

/** The same for requests whose labels are. */
export function keyOf(asked: Asked): string {
  const { info } = asked;
  const { verb, group, version, resource, name, namespace, isResource } = info;
  const place = !isResource ? info.path : `${info.subresource}\n${name === '' ? (namespace === '' ? 'c' : 'n') : 'r'}`;
  return `${verb}\n${group}\n${version}\n${resource}\n${place}\n${dryRunOf(asked)}${isApply(asked) ? '+' : ''}`;
}
