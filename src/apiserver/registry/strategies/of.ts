import type { Draft, Frozen } from '../types.ts';

/** A draft as the kind that it is. */
export function draftOf<T>(draft: Draft): T {
  return draft as unknown as T;
}

/** A stored object as the kind that it is; never to be altered. */
export function readOf<T>(object: Frozen): Readonly<T> {
  return object as unknown as T;
}

/** What a verb answers when it is done. */
export function success(): Draft {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as unknown as Draft;
}
