import type { Status, StatusCause, StatusDetails } from './gen/meta-v1.ts';

/**
 * A failure as the API answers it; thrown on both sides of the wire. `status` is the `Status` object of the answer.
 * Reasons, codes and messages follow upstream's `apimachinery/pkg/api/errors/errors.go`.
 */
export class ApiError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown error');
    this.name = 'ApiError';
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

export function isApiError(error: unknown, reason?: string): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.reason === reason);
}

/** A plain error of the server as upstream answers errors that have no Status of their own. */
export const plainFailure = (code: number, message: string): ApiError =>
  new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code });

interface Place {
  group: string;
  resource: string;
}

/** `deployments.apps`, or `pods` for the core group: how messages name a resource. */
export function qualified({ group, resource }: Place): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function failure(code: number, reason: string, message: string, details?: StatusDetails): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  });
}

const detailsOf = (place: Place, name: string, causes?: StatusCause[]): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(place.group === '' ? {} : { group: place.group }),
  kind: place.resource,
  ...(causes ? { causes } : {}),
});

export const notFound = (place: Place, name: string): ApiError =>
  failure(404, 'NotFound', `${qualified(place)} "${name}" not found`, detailsOf(place, name));

export const alreadyExists = (place: Place, name: string): ApiError =>
  failure(409, 'AlreadyExists', `${qualified(place)} "${name}" already exists`, detailsOf(place, name));

export const conflict = (place: Place, name: string, why: string): ApiError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(place)} "${name}": ${why}`,
    detailsOf(place, name),
  );

export const forbidden = (place: Place, name: string, why: string): ApiError =>
  failure(
    403,
    'Forbidden',
    `${qualified(place)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    detailsOf(place, name),
  );

/** `kind` is the object's kind and group, as in `Pod "x" is invalid: …`. */
export const invalid = (kind: { group: string; kind: string }, name: string, causes: StatusCause[]): ApiError => {
  // The message says a thing once, however often it was found.
  const texts = [...new Set(causes.map((c) => `${c.field}: ${c.message}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const kindText = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return failure(422, 'Invalid', `${kindText} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes,
  });
};

export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message);
export const unauthorized = (message = 'Unauthorized'): ApiError => failure(401, 'Unauthorized', message);
export const internalError = (message: string): ApiError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
export const gone = (message: string): ApiError => failure(410, 'Expired', message);
export const methodNotAllowed = (place: Place, verb: string): ApiError =>
  failure(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualified(place)}"`,
    detailsOf(place, ''),
  );
export const notAcceptable = (message: string): ApiError => failure(406, 'NotAcceptable', message);
export const unsupportedMediaType = (message: string): ApiError => failure(415, 'UnsupportedMediaType', message);
export const tooManyRequests = (message: string, retryAfterSeconds: number): ApiError =>
  failure(429, 'TooManyRequests', message, { retryAfterSeconds });
export const serviceUnavailable = (message: string): ApiError => failure(503, 'ServiceUnavailable', message);
export const timeout = (message: string): ApiError => failure(504, 'Timeout', `Timeout: ${message}`);
export const entityTooLarge = (message: string): ApiError => failure(413, 'RequestEntityTooLarge', message);
