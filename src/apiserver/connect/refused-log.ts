import { ApiError, badRequest, internalError } from '../../api/status.ts';

/** The answers that upstream gives where a kubelet does not hand out a log, by the kubelet's status. */
const known: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};

/** What of a refusal's text is read. */
export const longestRefusal = 50_000;

/** A kubelet's refusal of a log as the API tells it. Upstream: `registry/generic/rest/response_checker.go`. */
export function refusedLog(code: number, text: string, pod: string): ApiError {
  if (code === 500) return internalError(text);
  if (code === 400) return badRequest(text);
  const fallback: readonly [string, string] =
    code >= 500
      ? ['InternalError', `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`]
      : ['', `the server responded with the status code ${code} but did not return more information`];
  const [reason, said] = code === 403 ? ['Forbidden', text] : (known[code] ?? fallback);
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${said} ( pods/log ${pod})`,
    ...(reason ? { reason } : {}),
    details: { name: pod, kind: 'pods/log' },
    code,
  });
}
