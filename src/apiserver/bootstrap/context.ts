import type { RequestContext } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';

/** The server itself, where it writes on its own behalf. */
export const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export const serverContext: RequestContext = {
  user: serverUser,
  dryRun: false,
  fieldManager: 'kube-apiserver',
  fieldValidation: 'Ignore',
  warn: () => {},
  signal: new AbortController().signal,
};
