import type { FlowSchema } from '../../api/gen/flowcontrol-v1.ts';
import { serverContext } from '../bootstrap/context.ts';
import type { Registry } from '../registry/types.ts';

const type = 'Dangling';

type Exists = (level: string) => boolean;

/** What the condition `Dangling` of a schema is to say. */
function conditionOf({ spec }: FlowSchema, exists: Exists): { status: string; reason: string; message: string } {
  const name = spec?.priorityLevelConfiguration.name ?? '';
  const about = `This FlowSchema references the PriorityLevelConfiguration object named "${name}"`;
  return exists(name)
    ? { status: 'False', reason: 'Found', message: `${about} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${about} but there is no such object` };
}

function upToDate(schema: FlowSchema, exists: Exists): boolean {
  const wanted = conditionOf(schema, exists);
  const found = schema.status?.conditions?.find((condition) => condition.type === type);
  return found?.status === wanted.status && found.reason === wanted.reason && found.message === wanted.message;
}

/** Says of every schema whether its level exists, where that is not what it says. */
export async function writeConditions(
  registry: Registry,
  schemas: ReadonlyMap<string, FlowSchema>,
  exists: Exists,
): Promise<void> {
  const store = registry.store('flowcontrol.apiserver.k8s.io', 'flowschemas');
  for (const [name, schema] of [...schemas]) {
    if (upToDate(schema, exists)) continue;
    const place = { namespace: '', name };
    await store.modify({ context: serverContext, place, subresource: 'status' }, (draft) => {
      const object = draft as unknown as FlowSchema;
      if (upToDate(object, exists)) return undefined;
      const others = (object.status?.conditions ?? []).filter((condition) => condition.type !== type);
      const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
      object.status = { conditions: [...others, { type, lastTransitionTime, ...conditionOf(object, exists) }] };
      return draft;
    });
  }
}
