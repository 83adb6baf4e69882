import { isApiError } from '../../api/status.ts';
import { testContext } from '../registry/testing.ts';
import type { AdmissionAttributes, AdmissionOperation, Draft, Frozen, RequestContext } from '../registry/types.ts';
import type { UserInfo } from '../server.ts';
import type { AdmissionPlugin } from './plugin.ts';

export interface Asked {
  readonly operation?: AdmissionOperation;
  /** `group/resource` or `group/resource/subresource`. */
  readonly on: string;
  readonly object?: object;
  readonly oldObject?: object;
  readonly user?: UserInfo;
  readonly name?: string;
  readonly namespace?: string;
  readonly context?: Partial<RequestContext>;
}

/** A request as admission sees it; for tests. */
export function attributes(asked: Asked): AdmissionAttributes {
  const [group = '', resource = '', subresource] = asked.on.split('/');
  const object = asked.object && (structuredClone(asked.object) as Draft);
  const oldObject = asked.oldObject as Frozen | undefined;
  const metadata = (object ?? oldObject)?.metadata;
  return {
    operation: asked.operation ?? 'CREATE',
    group,
    version: 'v1',
    resource,
    kind: { group, version: 'v1', kind: 'Kind' },
    subresource,
    namespace: asked.namespace ?? metadata?.namespace ?? '',
    name: asked.name ?? metadata?.name ?? '',
    object,
    oldObject,
    options: {},
    context: { ...testContext, ...asked.context, ...(asked.user ? { user: asked.user } : {}) },
  };
}

/** What a plug-in has against a request, without the words with which every refusal begins; undefined: nothing. */
export async function refusalOf(plugin: AdmissionPlugin, a: AdmissionAttributes): Promise<string | undefined> {
  const place = [a.group, a.resource, ...(a.subresource ? [a.subresource] : [])].join('/');
  if (!plugin.operations.includes(a.operation) || (plugin.resources && !plugin.resources.includes(place)))
    return undefined;
  try {
    await plugin.mutate?.(a);
    await plugin.validate?.(a);
    return undefined;
  } catch (error) {
    if (!isApiError(error)) throw error;
    return error.message.replace(/^.* is forbidden: /, '');
  }
}
