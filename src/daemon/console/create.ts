import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import { nameOfVersion } from '../version.ts';
import type { Board } from './board.ts';
import { dashboard } from './dashboard.ts';
import { createScreens } from './screens.ts';

const modeFile = '/run/knarr/mode';
const consoles = '/run/knarr/consoles';
const lookEveryMs = 30_000;

/** On an appliance alone; elsewhere the consoles are somebody else's. */
export const ownsConsoles = (): boolean => existsSync(modeFile);

/** `eth0 10.0.2.15/24`: what people reach this machine by; not what pods have. */
export function addressesOf(interfaces: ReturnType<typeof networkInterfaces>): string[] {
  return Object.entries(interfaces)
    .filter(([name]) => !/^(lo|cni|flannel|veth|kube-|knarr|cali|lxc|docker)/.test(name))
    .flatMap(([name, addresses = []]) =>
      addresses
        .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
        .map(({ cidr, address }) => `${name} ${cidr ?? address}`),
    );
}

/** A line of the log as the console shows it: the time of day, and the level where it says something. */
export const shortLine = (line: string): string =>
  line
    .trimEnd()
    .replace(/^\S+T(\d\d:\d\d:\d\d)\S* (\w+) /, (_, time: string, level: string) =>
      level === 'info' ? `${time} ` : `${time} ${level}: `,
    );

/** Draws this machine's state on its consoles, while nobody is logged in there. */
export function createConsole({ board, role, log }: { board: Board; role: string; log: Logger }): Component {
  const screens = createScreens({
    folder: consoles,
    devices: '/dev',
    draw: (size) => dashboard(board.facts, size),
    onChange: board.onChange,
    log: log.child('console'),
  });
  const look = (): void => board.set({ hostname: hostname(), addresses: addressesOf(networkInterfaces()) });
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'console',
    async start() {
      const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
      const slot = /^VERSION_ID="?([^"\n]*)/m.exec(await text('/usr/lib/os-release'))?.[1];
      board.set({
        role,
        version: nameOfVersion,
        mode: (await text(modeFile)).trim(),
        ...(slot === undefined ? {} : { slot: `image ${slot}` }),
      });
      look();
      // an address that comes or goes changes nothing that has to be told at once
      timer = setInterval(look, lookEveryMs).unref();
      await screens.start();
    },
    async stop() {
      clearInterval(timer);
      await screens.stop();
    },
  };
}
