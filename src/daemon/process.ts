import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Component } from '../base/component.ts';
import { KnarrError, messageOf, toError } from '../base/errors.ts';
import { createLogger, type Logger } from '../base/log.ts';
import type { CommonConfig } from './config.ts';
import { type Board, createBoard } from './console/board.ts';
import { createConsole, ownsConsoles, shortLine } from './console/create.ts';
import { notifySystemd } from './notify.ts';
import { rememberDaemon } from './upgrade/remember.ts';
import { nameOfVersion } from './version.ts';

/**
 * By so many percent what is alive may grow before it is looked through for what is not. V8 would let it double or more,
 * which is faster by little and costs a server with many objects a third of its memory.
 */
const heapGrowth = 30;

/** What was compiled is written when the start, and what begins with it, is over. */
const flushAfterMs = 60_000;

/** Runs once for a life of the process: the log as the configuration wants it. */
async function openLog(config: CommonConfig, board: Board | undefined): Promise<Logger> {
  const sinks: ((line: string) => void)[] = config.logToStderr ? [(line) => void process.stderr.write(line)] : [];
  if (config.logFile !== undefined) {
    await mkdir(dirname(config.logFile), { recursive: true });
    const file = createWriteStream(config.logFile, { flags: 'a' });
    sinks.push((line) => void file.write(line));
  }
  if (board !== undefined) sinks.push((line) => board.add('log', shortLine(line)));
  return createLogger({
    part: 'knarr',
    level: config.logLevel,
    write: (line) => {
      for (const sink of sinks) sink(line);
    },
  });
}

const describe = (error: unknown): string =>
  error instanceof KnarrError && error.blame !== 'bug' ? messageOf(error) : (toError(error).stack ?? messageOf(error));

/**
 * Runs a daemon until SIGTERM or SIGINT, then stops it (a second signal ends the process at once). systemd is told when
 * it is ready and when it stops. Resolves with the exit code.
 */
export async function runDaemon(
  config: CommonConfig,
  create: (log: Logger, board: Board | undefined) => Promise<Component>,
): Promise<number> {
  const board = ownsConsoles() ? createBoard() : undefined;
  const log = await openLog(config, board);
  log.info(`starting knarr ${config.role}`, { version: nameOfVersion, node: process.version, pid: process.pid });
  for (const notice of config.notices) log.warn(notice);
  await rememberDaemon(config.paths.dataDir, log);

  const ended = Promise.withResolvers<number>();
  const onFault = (error: unknown): void => {
    log.error(`unexpected error: ${describe(error)}`);
    ended.resolve(1);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      signals++;
      if (signals > 1) process.exit(1);
      log.info('stopping', { signal });
      ended.resolve(0);
    });

  setFlagsFromString(`--heap-growing-percent=${heapGrowth}`);
  // What was compiled is kept for the next start: it saves most of the time until the API answers.
  enableCompileCache(config.paths.compileCache);
  const screen = board && createConsole({ board, role: config.role, log });
  await screen?.start().catch((error: unknown) => log.warn('the console stays empty', { error: messageOf(error) }));
  const daemon = await create(log, board);
  try {
    const begun = performance.now();
    await Promise.race([daemon.start(), ended.promise]);
    if (signals === 0) {
      log.info(`knarr ${config.role} is up and running`, { ms: Math.round(performance.now() - begun) });
      await notifySystemd('READY=1', log);
      setTimeout(flushCompileCache, flushAfterMs).unref();
    }
  } catch (error) {
    log.error(`knarr ${config.role} cannot start: ${describe(error)}`);
    ended.resolve(1);
  }
  const code = await ended.promise;
  await notifySystemd('STOPPING=1', log);
  await daemon.stop();
  log.info('stopped');
  await screen?.stop();
  // What a library left open (a timer, a pooled socket) does not keep a stopped daemon alive.
  setTimeout(() => process.exit(code), 100).unref();
  return code;
}
