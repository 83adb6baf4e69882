import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/**
 * Components in the order in which they were started. `run` starts one and keeps it; `stop` stops all in reverse, each
 * at most `stopLimitMs`; it never rejects. After `stop` nothing is started any more.
 */
export interface Stack {
  run<C extends Component>(component: C): Promise<C>;
  stop(): Promise<void>;
}

const stopLimitMs = 15_000;

async function withLimit(work: Promise<void>, ms: number): Promise<'done' | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), ms);
  try {
    return await Promise.race([work.then(() => 'done' as const), promise]);
  } finally {
    clearTimeout(timer);
  }
}

export function createStack(log: Logger): Stack {
  const running: Component[] = [];
  let stopping: Promise<void> | undefined;

  const stopOne = async (component: Component): Promise<void> => {
    const begun = performance.now();
    try {
      const outcome = await withLimit(component.stop(), stopLimitMs);
      const ms = Math.round(performance.now() - begun);
      if (outcome === 'late') log.warn('still not stopped, going on', { component: component.name, ms });
      else log.debug('stopped', { component: component.name, ms });
    } catch (error) {
      log.error('could not be stopped', { component: component.name, error: messageOf(error) });
    }
  };

  return {
    async run(component) {
      if (stopping !== undefined) return component;
      const begun = performance.now();
      running.push(component);
      await component.start();
      log.debug('started', { component: component.name, ms: Math.round(performance.now() - begun) });
      return component;
    },
    stop() {
      stopping ??= (async () => {
        for (let component = running.pop(); component !== undefined; component = running.pop())
          await stopOne(component);
      })();
      return stopping;
    },
  };
}
