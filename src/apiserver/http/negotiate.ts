import { ApiError } from '../../api/status.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf' | 'cbor';

/** One acceptable form of an answer. */
export interface MediaType {
  readonly encoding: Encoding;
  readonly type: string;
  /** `as=Table;g=meta.k8s.io;v=v1`: the kind into which the answer is turned. */
  readonly as: string;
  readonly asGroup: string;
  readonly asVersion: string;
  readonly stream: string;
  readonly quality: number;
}

const encodings: Readonly<Record<string, Encoding>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

export const typeOf: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
  cbor: 'application/cbor',
};

const plainJson: MediaType = {
  encoding: 'json',
  type: 'application/json',
  as: '',
  asGroup: '',
  asVersion: '',
  stream: '',
  quality: 1,
};

function parseClause(clause: string): MediaType | undefined {
  const [range = '', ...rest] = clause.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals > 0)
      parameters.set(parameter.slice(0, equals).toLowerCase(), parameter.slice(equals + 1).replaceAll('"', ''));
  }
  const wildcard = range === '*/*' || range === 'application/*' || range === '*';
  const encoding = wildcard ? 'json' : encodings[range.toLowerCase()];
  if (!encoding) return undefined;
  const quality = Number(parameters.get('q') ?? '1');
  return {
    encoding,
    type: typeOf[encoding],
    as: parameters.get('as') ?? '',
    asGroup: parameters.get('g') ?? '',
    asVersion: parameters.get('v') ?? '',
    stream: parameters.get('stream') ?? '',
    quality: Number.isFinite(quality) ? quality : 0,
  };
}

const known = new Map<string, readonly MediaType[]>();

/** What an Accept header asks for and this server can encode, best first. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined || header === '') return [plainJson];
  const cached = known.get(header);
  if (cached) return cached;
  const parsed = header
    .split(',')
    .map(parseClause)
    .filter((type): type is MediaType => type !== undefined && type.quality > 0)
    .sort((a, b) => b.quality - a.quality);
  if (known.size >= 500) known.clear();
  known.set(header, parsed);
  return parsed;
}

const transforms = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

const isTransform = (type: MediaType): boolean =>
  transforms.has(type.as) &&
  type.asGroup === 'meta.k8s.io' &&
  (type.asVersion === 'v1' || type.asVersion === 'v1beta1');

/**
 * The form in which an object, a list or a watch is answered. `protobuf` false: the kind has none (custom resources).
 * Throws 406 when nothing fits.
 */
export function negotiate(header: string | undefined, options: { protobuf: boolean; transform: boolean }): MediaType {
  for (const type of parseAccept(header)) {
    if (type.encoding === 'protobuf' && !options.protobuf && !isTransform(type)) continue;
    if (type.as === '') return type;
    if (options.transform && isTransform(type) && !(type.as === 'Table' && type.encoding === 'protobuf')) return type;
  }
  const offered = [
    'application/json',
    'application/yaml',
    ...(options.protobuf ? ['application/vnd.kubernetes.protobuf'] : []),
  ];
  // Upstream's router refuses types that nothing here has; what the resource itself cannot do is refused later.
  const understood = parseAccept(header).some((type) => type.as !== '');
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: understood
      ? `only the following media types are accepted: ${offered.join(', ')}`
      : `406: Not Acceptable\n\nAvailable representations: ${offered.join(', ')}`,
    reason: 'NotAcceptable',
    details: {},
    code: 406,
  });
}

/** The form of an error: never refuses. */
export function negotiateError(header: string | undefined): MediaType {
  return parseAccept(header)[0] ?? plainJson;
}

/** The encoding of a body by its Content-Type; undefined when that is none of ours. */
export function bodyEncoding(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined || contentType === '') return 'json';
  const semicolon = contentType.indexOf(';');
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return type === '*/*' ? 'json' : encodings[type];
}
