import { messageOf } from '../../src/base/errors.ts';
import type { Progress } from './progress.ts';
import { createProgress } from './progress.ts';

/** A command of package.json's scripts. Its number is the exit code. */
type Command = (args: readonly string[], progress: Progress) => Promise<number>;

/** Every command, by the word after `run.mjs`. */
const commands: Record<string, () => Promise<Command>> = {
  start: () => import('./start.ts').then((m) => m.start),
  stop: () => import('./stop.ts').then((m) => m.stop),
  clean: () => import('./stop.ts').then((m) => m.clean),
  test: () => import('./checks.ts').then((m) => m.test),
  robustness: () => import('./checks.ts').then((m) => m.robustness),
  bench: () => import('./checks.ts').then((m) => m.bench),
  image: () => import('../command.ts').then((m) => m.imageCommand),
  tools: () => import('./tools.ts').then((m) => m.tools),
};

const [name = '', ...args] = process.argv.slice(2);
const load = commands[name];
if (load === undefined) {
  process.stderr.write(`knarr: no command ${JSON.stringify(name)}; there are ${Object.keys(commands).join(', ')}\n`);
  process.exit(2);
}
try {
  process.exitCode = await (await load())(args, createProgress());
} catch (error) {
  process.stderr.write(`knarr: ${messageOf(error)}\n`);
  if (process.env.KNARR_DEBUG !== undefined) console.error(error);
  process.exitCode = 1;
}
