import { ApiError } from '../../api/status.ts';

/** How upstream's router refuses, before anything that knows the resource is asked. */
const refusal = (code: number, reason: string, message: string): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details: {},
    code,
  });

/** A path that is unknown under a version that is served. */
export const noSuchResource = (): ApiError =>
  refusal(404, 'NotFound', 'the server could not find the requested resource');

export const notAllowed = (): ApiError =>
  refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

export const unsupportedPatch = (): ApiError => refusal(415, 'UnsupportedMediaType', '415: Unsupported Media Type');
