import { constants, type FSWatcher, watch } from 'node:fs';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component } from '../../base/component.ts';
import { messageOf, systemCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { run } from '../../base/run.ts';
import { repaint, type Size, usualSize } from './dashboard.ts';

export interface ScreensOptions {
  /** Has a file per console on which nobody is logged in, named like its device. */
  folder: string;
  devices: string;
  /** The rows to show. */
  draw(size: Size): string[];
  /** Calls back after every change of what is shown. */
  onChange(listener: () => void): () => void;
  log: Logger;
  /** Between two paintings of one screen, in milliseconds. */
  atMostEveryMs?: number;
  /** The kernel and others write on consoles too: everything is painted anew this often. */
  wholeEveryMs?: number;
}

interface Screen {
  readonly file: FileHandle;
  readonly size: Size;
  /** What is on it; undefined: nothing that is known. */
  drawn: string[] | undefined;
  writing: boolean;
}

async function sizeOf(device: string): Promise<Size> {
  const { stdout } = await run('stty', ['-F', device, 'size']).catch(() => ({ stdout: '' }));
  const [rows = 0, columns = 0] = stdout.trim().split(' ').map(Number);
  return rows >= 10 && columns >= 40 ? { rows, columns } : usualSize;
}

/** Paints on the consoles that are free; never waits for one that does not take what is written. */
export function createScreens(options: ScreensOptions): Component {
  const { folder, devices, draw, onChange, log, atMostEveryMs = 1_000, wholeEveryMs = 300_000 } = options;
  const screens = new Map<string, Screen>();
  let watcher: FSWatcher | undefined;
  let release: (() => void) | undefined;
  let pending: NodeJS.Timeout | undefined;
  let whole: NodeJS.Timeout | undefined;
  let stopped = false;

  /** It was hung up behind our back, say; it is opened anew when all is painted anew. */
  const forget = async (screen: Screen): Promise<void> => {
    for (const [name, known] of screens) if (known === screen) screens.delete(name);
    await screen.file.close().catch(() => {});
  };
  const paint = async (screen: Screen): Promise<void> => {
    if (screen.writing) return;
    screen.writing = true;
    try {
      const after = draw(screen.size);
      const bytes = Buffer.from(repaint(screen.drawn, after));
      if (bytes.length === 0) return;
      screen.drawn = undefined;
      // less is written where the line is slow: then all of it comes the next time
      const { bytesWritten } = await screen.file.write(bytes);
      if (bytesWritten === bytes.length) screen.drawn = after;
    } catch (error) {
      log.debug('a console does not take what is written', { error: messageOf(error) });
      if (systemCode(error) !== 'EAGAIN') await forget(screen);
    } finally {
      screen.writing = false;
    }
  };
  const paintAll = (): void => {
    pending = undefined;
    for (const screen of screens.values()) void paint(screen);
  };
  const soon = (): void => {
    if (stopped || screens.size === 0) return;
    pending ??= setTimeout(paintAll, atMostEveryMs).unref();
  };

  const add = async (name: string): Promise<void> => {
    const device = join(devices, name);
    const file = await open(device, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    const size = await sizeOf(device);
    if (stopped) return file.close();
    screens.set(name, { file, size, drawn: undefined, writing: false });
    soon();
  };
  let looking: Promise<void> = Promise.resolve();
  const look = (): void => {
    looking = looking
      .then(async () => {
        const names = await readdir(folder);
        for (const [name, { file }] of [...screens])
          if (!names.includes(name)) {
            screens.delete(name);
            await file.close().catch(() => {});
          }
        for (const name of names) if (!screens.has(name)) await add(name);
      })
      .catch((error: unknown) => log.debug('consoles cannot be looked at', { error: messageOf(error) }));
  };

  return {
    name: 'console',
    async start() {
      await mkdir(folder, { recursive: true });
      watcher = watch(folder, { persistent: false }, look);
      watcher.on('error', (error) => log.warn('consoles are not followed', { error: error.message }));
      release = onChange(soon);
      whole = setInterval(() => {
        for (const screen of screens.values()) screen.drawn = undefined;
        look();
        soon();
      }, wholeEveryMs).unref();
      look();
    },
    async stop() {
      stopped = true;
      watcher?.close();
      release?.();
      clearTimeout(pending);
      clearInterval(whole);
      await looking;
      for (const { file } of screens.values()) await file.close().catch(() => {});
      screens.clear();
    },
  };
}
