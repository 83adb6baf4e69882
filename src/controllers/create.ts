import type { Component } from '../base/component.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder, type EventRecorder } from '../client/events.ts';
import type { InformerFactory } from '../client/informer.ts';
import { controllers } from './list.ts';
import type { ControllerContext, ControllerSettings } from './runtime/context.ts';

export interface ControllersOptions extends ControllerSettings {
  client: Client;
  /** Shared with the other parts of the process; started here if nobody has. */
  informers: InformerFactory;
  log: Logger;
  /** Names from `list.ts` that are not wanted here. */
  without?: readonly string[] | undefined;
  /** Which of the others this part is to run; all without it. */
  wanted?: ((name: string) => boolean) | undefined;
  now?: (() => number) | undefined;
}

/** Controllers as one part. One that cannot start does not keep the others from their work. */
export function createControllers(options: ControllersOptions): Component {
  const { client, informers, log, without = [], wanted = () => true, now = Date.now } = options;
  const recorders = new Map<string, EventRecorder>();
  const context: ControllerContext = {
    client,
    informers,
    log,
    now,
    settings: options,
    recorder(component) {
      const known = recorders.get(component);
      if (known) return known;
      const made = createEventRecorder({ client, component, log });
      recorders.set(component, made);
      return made;
    },
  };
  let running: Component[] = [];

  return {
    name: 'controllers',
    async start() {
      running = Object.entries(controllers)
        .filter(([name]) => !without.includes(name) && wanted(name))
        .map(([, create]) => create(context));
      // Informers are asked for while controllers are made; from here on all of them fill at the same time.
      const started = running.map((controller) =>
        controller.start().catch((error: unknown) => {
          log.error('a controller did not start', { controller: controller.name, error: messageOf(error) });
        }),
      );
      informers.start();
      await Promise.all(started);
    },
    async stop() {
      await Promise.all(running.map((controller) => controller.stop()));
      running = [];
    },
  };
}
