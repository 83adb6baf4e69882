import { matchesLabels, parseLabelSelector } from '../../api/selectors.ts';
import { notFound } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { SpecialHandlers } from './route.ts';

export interface Component {
  readonly name: string;
  /** Rejects with why it is not healthy. */
  check(): Promise<void>;
}

async function statusOf({ name, check }: Component): Promise<object> {
  let problem: string | undefined;
  try {
    await check();
  } catch (error) {
    problem = messageOf(error);
  }
  return {
    metadata: { name },
    conditions: [
      problem === undefined
        ? { type: 'Healthy', status: 'True', message: 'ok' }
        : { type: 'Healthy', status: 'False', message: problem },
    ],
  };
}

/** `componentstatuses`: asked anew each time. */
export function componentStatuses(components: readonly Component[]): ReadonlyMap<string, SpecialHandlers> {
  return new Map<string, SpecialHandlers>([
    [
      '/componentstatuses/',
      {
        async get(call) {
          const found = components.find((component) => component.name === call.info.name);
          if (!found) throw notFound({ group: '', resource: 'componentstatus' }, call.info.name);
          return {
            kind: 'object',
            status: 200,
            object: { apiVersion: 'v1', kind: 'ComponentStatus', ...(await statusOf(found)) },
          };
        },
        async list(call) {
          const labels = parseLabelSelector(call.query.get('labelSelector') ?? undefined);
          const chosen = components.filter(
            ({ name }) => matchesLabels(labels, {}) && (call.info.name === '' || call.info.name === name),
          );
          const items = await Promise.all(chosen.map(statusOf));
          return {
            kind: 'object',
            status: 200,
            object: { apiVersion: 'v1', kind: 'ComponentStatusList', metadata: {}, items },
          };
        },
      },
    ],
  ]);
}
