import type { FlowSchema } from '../../api/gen/flowcontrol-v1.ts';
import { timeText } from '../../api/literals.ts';
import { ApiError } from '../../api/status.ts';
import { serverContext } from '../bootstrap/context.ts';
import type { Registry } from '../registry/types.ts';

const type = 'Dangling';
const fieldManager = 'api-priority-and-fairness-config-consumer-v1';

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
    const lastTransitionTime = timeText(new Date());
    const body = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name },
      status: { conditions: [{ type, lastTransitionTime, ...conditionOf(schema, exists) }] },
    };
    const options = {
      context: { ...serverContext, fieldManager },
      place: { namespace: '', name },
      subresource: 'status',
    };
    await store.patch(options, { type: 'apply', body, force: true }).catch((error: unknown) => {
      // It was deleted meanwhile.
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    });
  }
}
