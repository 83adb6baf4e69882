import { ApiError, notAcceptable } from '../../api/status.ts';
import { type Clause, parseAccept } from './accept.ts';
import { headerOf } from './exchange.ts';
import { parseQuery } from './request-target.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';

/** The form of an answer. */
export interface MediaType {
  readonly encoding: Encoding;
  readonly type: string;
  /** `as=Table;g=meta.k8s.io;v=v1`: the kind into which the answer is turned. */
  readonly as: string;
  readonly asGroup: string;
  readonly asVersion: string;
  /** JSON is indented for reading. */
  readonly pretty: boolean;
}

/** In the order in which a wildcard finds them. CBOR is behind a gate of upstream's (`CBORServingAndStorage`), closed in 1.36. */
const types: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const offered = Object.keys(types) as Encoding[];
const encodings: Readonly<Record<string, Encoding>> = Object.fromEntries(offered.map((e) => [types[e], e]));
const streamed: readonly string[] = [`${types.json};stream=watch`, `${types.protobuf};stream=watch`];

/** What one place of the API can answer with. */
export interface Endpoint {
  /** The types that a router lets through before the place itself is asked; undefined: there is none. */
  readonly routed: readonly string[] | undefined;
  /** Whether an answer that is not turned into another kind can be protobuf. */
  readonly protobuf: boolean;
  readonly allows: (as: string, encoding: Encoding) => boolean;
  /** The value that the parameter `sv` may have. */
  readonly serverVersion: string | undefined;
}

const isMeta = (as: string): boolean =>
  /^(Table|PartialObjectMetadata|PartialObjectMetadataList)\.v1(beta1)?\.meta\.k8s\.io$/.test(as);
const isTable = (as: string): boolean => as.startsWith('Table.');

const formsOfMeta = (as: string, encoding: Encoding): boolean =>
  as === '' || (isMeta(as) && !(isTable(as) && encoding === 'protobuf'));

const all: readonly string[] = Object.values(types);
const plain: Endpoint = {
  routed: undefined,
  protobuf: true,
  allows: (as) => as === '',
  serverVersion: undefined,
};
const anything: Endpoint = { ...plain, allows: () => true, serverVersion: 'v1' };
const object: Endpoint = { routed: all, protobuf: true, allows: formsOfMeta, serverVersion: 'v1' };

export const endpoints = {
  /** One built-in object. */
  object,
  /** Built-in objects, listed or watched. */
  list: { ...object, routed: [...all, ...streamed] },
  /** What is created only to be answered. */
  review: { ...object, allows: (as, encoding) => formsOfMeta(as, encoding) && !isTable(as) },
  log: {
    ...object,
    routed: ['text/plain', ...all],
    allows: (as, encoding) => formsOfMeta(as, encoding) && !isTable(as),
  },
  /** Custom resources. */
  custom: { ...object, routed: undefined, protobuf: false },
  /** What is no resource. */
  plain,
  routed: { ...plain, routed: all },
  discovery: { ...plain, allows: (as) => as === 'APIGroupDiscoveryList.v2.apidiscovery.k8s.io' },
} as const satisfies Record<string, Endpoint>;

const formOf = (encoding: Encoding): MediaType => ({
  encoding,
  type: types[encoding],
  as: '',
  asGroup: '',
  asVersion: '',
  pretty: false,
});
const forms = { json: formOf('json'), yaml: formOf('yaml'), protobuf: formOf('protobuf') };

/** The form that a clause asks for, where the endpoint has it. */
function accepted({ parameters }: Clause, encoding: Encoding, endpoint: Endpoint): MediaType | undefined {
  const as = parameters.get('as') ?? '';
  const asGroup = parameters.get('g') ?? '';
  const asVersion = parameters.get('v') ?? '';
  const kind = as === '' && asGroup === '' && asVersion === '' ? '' : `${as}.${asVersion}.${asGroup}`;
  if (!endpoint.allows(kind, encoding) || (kind === '' && encoding === 'protobuf' && !endpoint.protobuf))
    return undefined;
  if (parameters.size === 0) return forms[encoding];
  const stream = parameters.get('stream');
  if (stream !== undefined && (stream !== 'watch' || encoding === 'yaml')) return undefined;
  const version = parameters.get('sv');
  if (version !== undefined && version !== endpoint.serverVersion) return undefined;
  return { ...forms[encoding], as, asGroup, asVersion, pretty: parameters.get('pretty') === '1' };
}

const matches = ({ type, subtype }: Clause, encoding: Encoding): boolean =>
  type === '*'
    ? subtype === '*'
    : type === 'application' && (subtype === '*' || types[encoding] === `${type}/${subtype}`);

function ofClause(clause: Clause, endpoint: Endpoint): MediaType | undefined {
  for (const encoding of offered) {
    if (!matches(clause, encoding)) continue;
    const found = accepted(clause, encoding, endpoint);
    if (found) return found;
  }
  return undefined;
}

/** The form that an Accept header asks for of what an endpoint has; undefined when nothing fits. */
export function find(header: string | undefined, endpoint: Endpoint): MediaType | undefined {
  if (!header) return forms.json;
  for (const clause of parseAccept(header)) {
    const found = ofClause(clause, endpoint);
    if (found) return found;
  }
  return undefined;
}

/**
 * The form of a page for people that programs can ask for as one of `kinds` (`Statusz.v1beta1.config.k8s.io`); `text`
 * without these.
 */
export function negotiatePage(header: string | undefined, kinds: readonly string[]): MediaType | 'text' {
  if (!header?.trim()) return 'text';
  const page: Endpoint = {
    ...plain,
    protobuf: false,
    allows: (as, encoding) => encoding !== 'protobuf' && kinds.includes(as),
  };
  for (const clause of parseAccept(header)) {
    const found = ofClause(clause, page);
    if (found) return found;
    const isText = clause.type === '*' || (clause.type === 'text' && ['*', 'plain'].includes(clause.subtype));
    if (isText && !['as', 'g', 'v', 'sv', 'stream'].some((name) => clause.parameters.has(name))) return 'text';
  }
  throw onlyThese([types.json, types.yaml, 'text/plain']);
}

/** Whether a router that knows these types, and no wildcard but one for everything, lets a request through. */
const isRouted = (header: string, routed: readonly string[]): boolean =>
  header.split(',').some((clause) => {
    const type = (clause.split(';')[0] ?? '').replace(/^ +| +$/g, '');
    return type === '*/*' || routed.includes(type);
  });

/** As a router says it. */
const notRouted = (message: string): ApiError => new ApiError({ ...notAcceptable(message).status, details: {} });

const onlyThese = (accepted: readonly string[]): ApiError =>
  notAcceptable(`only the following media types are accepted: ${accepted.join(', ')}`);

/** The form of an answer. Throws 406 when nothing fits. */
export function negotiate(header: string | undefined, endpoint: Endpoint): MediaType {
  const { routed } = endpoint;
  if (header && routed && !isRouted(header, routed))
    throw notRouted(`406: Not Acceptable\n\nAvailable representations: ${routed.join(', ')}`);
  const found = find(header, endpoint);
  if (!found) throw onlyThese(all);
  return found;
}

/** The form of a watch's events: there is no stream of YAML. */
export function negotiateStream(header: string | undefined, endpoint: Endpoint): MediaType {
  const type = negotiate(header, endpoint);
  if (type.encoding === 'yaml') throw onlyThese(streamed);
  return type;
}

/** The form of an error: never refuses. */
export const negotiatePlain = (header: string | undefined): MediaType =>
  find(header, plain) ?? { ...forms.json, pretty: true };

/** The form of an answer that is turned into nothing, where a place was asked before whether it has what is asked for. */
export const negotiateAny = (header: string | undefined): MediaType => find(header, anything) ?? forms.json;

const truths = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const people = /^(?:curl|Wget|Mozilla\/5\.0)/;

/** Whether JSON is to be read by somebody: the parameter `pretty` says so, or what is known of the client. */
export function isForReading(url: string, headers: Parameters<typeof headerOf>[0]): boolean {
  if (url.includes('pretty')) {
    const value = parseQuery(url.slice(url.indexOf('?') + 1)).get('pretty');
    if (value) return truths.has(value);
  }
  return people.test(headerOf(headers, 'user-agent') ?? '');
}

/** The encoding of a body by its Content-Type; undefined when that is none of ours. */
export function bodyEncoding(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined || contentType === '') return 'json';
  const semicolon = contentType.indexOf(';');
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return encodings[type];
}
