import { createHash } from 'node:crypto';
import { createCounters } from './counter.ts';
import { renderFamilies } from './text.ts';

/** As labels show what they are not to tell. */
export const hashOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** What becomes of a configuration file that is followed, under upstream's names. `server` is who this server is. */
export function createReloadMetrics(what: 'authentication' | 'authorization' | 'encryption', server: string) {
  const prefix = `apiserver_${what}_config_controller_`;
  const id = hashOf(server);
  const total = createCounters({
    name: `${prefix}automatic_reloads_total`,
    help: 'Changes of the file.',
    labels: ['apiserver_id_hash', 'status'],
  });
  const last = new Map<string, number>();
  let inForce: string | undefined;
  return {
    /** The file in force: the first one, or one that was taken. */
    loaded(text: string): void {
      inForce = hashOf(text);
    },
    reloaded(taken: boolean, text: string): void {
      const status = taken ? 'success' : 'failure';
      total.count(id, status);
      last.set(status, Date.now() / 1000);
      if (taken) inForce = hashOf(text);
    },
    render: (): string =>
      total.render() +
      renderFamilies([
        {
          name: `${prefix}automatic_reload_last_timestamp_seconds`,
          type: 'gauge',
          help: 'When that was last.',
          samples: [...last].map(([status, value]) => ({ labels: { apiserver_id_hash: id, status }, value })),
        },
        {
          name: `${prefix}last_config_info`,
          type: 'gauge',
          help: 'The file in force.',
          samples: inForce === undefined ? [] : [{ labels: { apiserver_id_hash: id, hash: inForce }, value: 1 }],
        },
      ]),
  };
}

export type ReloadMetrics = ReturnType<typeof createReloadMetrics>;
