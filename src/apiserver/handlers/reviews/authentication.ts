import { timeText } from '../../../api/literals.ts';
import { badRequest } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Authentication } from '../../authn/authenticate.ts';
import type { Admission } from '../../registry/types.ts';
import type { UserInfo } from '../../server.ts';
import type { SpecialHandlers } from '../route.ts';
import { readReview } from './read.ts';

const group = 'authentication.k8s.io';

const userInfo = (user: UserInfo): object => ({
  username: user.name,
  ...(user.uid ? { uid: user.uid } : {}),
  groups: user.groups,
  ...(user.extra ? { extra: user.extra } : {}),
});

/** TokenReview and SelfSubjectReview. `audiences` are the API's own. */
export function authenticationReviews(
  authentication: Authentication,
  audiences: readonly string[],
  admission: Admission,
): ReadonlyMap<string, SpecialHandlers> {
  return new Map<string, SpecialHandlers>([
    [
      `${group}/tokenreviews/`,
      {
        async create(call, store) {
          const { object, admitted } = await readReview(call, store, admission);
          const { token = '', audiences: asked } = (object.spec ?? {}) as { token?: string; audiences?: string[] };
          if (token === '') throw badRequest('token is required for TokenReview in authentication');
          await admitted();
          const wanted = asked && asked.length > 0 ? asked : audiences;
          return { kind: 'object', status: 201, object: { ...object, status: await review(token, wanted) } };
        },
      },
    ],
    [
      `${group}/selfsubjectreviews/`,
      {
        async create(call, store) {
          const { object, admitted } = await readReview(call, store, admission);
          await admitted();
          const { kind, apiVersion } = object;
          const creationTimestamp = timeText(new Date());
          return {
            kind: 'object',
            status: 201,
            object: {
              kind,
              apiVersion,
              metadata: { creationTimestamp },
              status: { userInfo: userInfo(call.user) },
            },
          };
        },
      },
    ],
  ]);

  async function review(token: string, wanted: readonly string[]): Promise<object> {
    try {
      const found = await authentication.authenticateToken(token, wanted);
      if (!found) return { user: {}, error: 'invalid bearer token' };
      return {
        authenticated: true,
        user: userInfo(found.user),
        audiences: found.audiences ?? wanted.filter((audience) => audiences.includes(audience)),
      };
    } catch (error) {
      return { user: {}, error: `[invalid bearer token, ${messageOf(error)}]` };
    }
  }
}
