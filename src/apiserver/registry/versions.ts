import { ApiError, badRequest, gone, plainFailure } from '../../api/status.ts';
import type { Hub } from './hub.ts';
import { checkListOptions } from './list-options.ts';
import type { ListOptions } from './types.ts';

/** How new a read has to be. */
export type Freshness =
  | { at: 'newest' }
  | { at: 'any' }
  | { at: 'least'; revision: number }
  | { at: 'exactly'; revision: number };

/** Whether a text is a number that a revision can have. */
export const isRevision = (text: string): boolean => /^\d{1,15}$/.test(text);

/** Why a text is no revision, as Go says it. */
export function unparsable(text: string): string {
  const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
  return `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`;
}

const wrongRevision = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${unparsable(text)}`;

/** A resourceVersion parameter as a number; undefined when none was given. Throws ApiError. */
export function revisionOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (isRevision(text)) return Number(text);
  throw plainFailure(500, wrongRevision(text));
}

/** Lists tell of the same in another way than all others. */
function listRevisionOf(text: string | undefined): number | undefined {
  if (!text || isRevision(text)) return revisionOf(text);
  throw badRequest(`invalid resource version: ${wrongRevision(text)}`);
}

/** The semantics of resourceVersion and resourceVersionMatch in a list. */
export function listFreshness(options: ListOptions): Freshness {
  checkListOptions(options);
  const revision = listRevisionOf(options.resourceVersion);
  switch (options.resourceVersionMatch || undefined) {
    case 'Exact':
      return { at: 'exactly', revision: revision ?? 0 };
    case 'NotOlderThan':
      return revision ? { at: 'least', revision } : { at: 'any' };
  }
  if (revision === undefined) return { at: 'newest' };
  if (revision === 0) return { at: 'any' };
  return options.limit ? { at: 'exactly', revision } : { at: 'least', revision };
}

const waitMs = 3_000;

/** Waits until the caches have come to `revision`; throws ApiError (504) when they do not. */
export async function reached(hub: Hub, revision: number): Promise<void> {
  if (await hub.reach(revision, waitMs)) return;
  const message = `Too large resource version: ${revision}, current: ${hub.revision()}`;
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Timeout: ${message}`,
    reason: 'Timeout',
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
    code: 504,
  });
}

export const tooOld = (revision: number, oldest: number): ApiError =>
  gone(`too old resource version: ${revision} (${oldest})`);

/** Where a list goes on: the revision of its first page and the key after the last one given, relative to its prefix. */
export interface Continuation {
  /** -1: from whatever is newest, when the snapshot was gone. */
  readonly revision: number;
  readonly start: string;
}

export function continueToken({ revision, start }: Continuation): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

export function parseContinue(token: string): Continuation {
  const bad = (why: string): ApiError => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  let value: { v?: unknown; rv?: unknown; start?: unknown };
  const wrong = token.search(/[^A-Za-z0-9_-]/);
  if (wrong >= 0 || token.length % 4 === 1) {
    const at = wrong >= 0 ? wrong : token.length - 1;
    throw bad(`illegal base64 data at input byte ${at}`);
  }
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString()) as typeof value;
  } catch (error) {
    throw bad(`${(error as Error).message}`);
  }
  if (value?.v !== 'meta.k8s.io/v1')
    throw bad(`server does not recognize this encoded version ${String(value?.v ?? '')}`);
  if (typeof value.rv !== 'number' || value.rv === 0)
    throw bad('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof value.start !== 'string' || value.start === '')
    throw bad('encoded start key empty (version meta.k8s.io/v1)');
  if (value.start.split('/').includes('..')) throw bad(value.start);
  return { revision: value.rv, start: value.start };
}
