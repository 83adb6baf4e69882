import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { config as inspect } from '../../cloud-config/command.ts';
import { changesBetween } from '../../cloud-config/effects.ts';
import { type Host, machine } from '../../cloud-config/host.ts';
import { parseCloudConfig } from '../../cloud-config/parse.ts';
import { type Reconciled, reconcile } from '../../cloud-config/reconcile.ts';
import { type Problem, renderProblem } from '../../cloud-config/schema.ts';
import { mainFile } from '../../cloud-config/sources/files.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { parseGoDuration } from '../../src/base/duration.ts';
import { KnarrError, messageOf, wordsOf } from '../../src/base/errors.ts';
import { upgradeState } from '../../src/daemon/upgrade/state.ts';
import { failedUnits, healthChecks } from '../health/checks.ts';
import { healthGate } from '../health/gate.ts';
import { gatewaysOf, networkCheck } from '../health/network.ts';
import {
  beginTrial,
  dropTrial,
  keepTrial,
  readTrial,
  revertTrial,
  standing,
  startTimer,
  type Trial,
  writeTrial,
} from './trial.ts';

const ownFolder = '/var/lib/rancher/k3os/';
const dropIns = `${ownFolder}config.d`;

interface Context {
  host: Host;
  say(text: string): void;
  /** Resolves with the reasons why the machine is not as well as it was before the trial. */
  unwell(seconds: number, before: Pick<Trial, 'failedBefore' | 'gatewaysBefore'>): Promise<readonly string[]>;
}

const wrong = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

interface Options {
  file?: string;
  seconds: number;
  reboot: boolean;
  keeper: 'person' | 'health';
  /** The file of the machine that is replaced. */
  target: string;
  id: string;
}

const flags = {
  apply: ['--reboot'],
  try: ['--reboot', '--for', '--keep-when-healthy', '--as', '--id'],
} as const;

function parse(word: 'apply' | 'try', args: readonly string[]): Options {
  const options: Options = { seconds: 300, reboot: false, keeper: 'person', target: mainFile, id: randomUUID() };
  for (let at = 0; at < args.length; at++) {
    const [flag = '', given] = (args[at] ?? '').split(/=(.*)/s);
    if (!flag.startsWith('-') || flag === '-') {
      if (options.file !== undefined) throw wrong(`one file at a time: ${options.file} and ${flag}`);
      options.file = args[at] ?? '';
      continue;
    }
    if (!(flags[word] as readonly string[]).includes(flag)) throw wrong(`flag provided but not defined: ${flag}`);
    if (flag === '--reboot') options.reboot = true;
    else if (flag === '--keep-when-healthy') options.keeper = 'health';
    else {
      const value = given ?? args[++at];
      if (value === undefined) throw wrong(`flag needs an argument: ${flag}`);
      if (flag === '--id') options.id = value;
      else if (flag === '--as') {
        if (!/^[\w.-]+$/.test(value) || value.startsWith('.'))
          throw wrong(`--as ${value}: a name of letters, digits, dots and dashes`);
        options.target = `${dropIns}/${value.replace(/\.ya?ml$/, '')}.yaml`;
      } else {
        const ms = durationOf(value);
        if (ms === undefined || ms < 10_000) throw wrong(`--for ${value}: at least 10s, like 90s or 5m`);
        options.seconds = Math.round(ms / 1000);
      }
    }
  }
  return options;
}

/** The file's text. Throws when anything in it is wrong: what is not understood whole is not taken. */
async function checked(file: string): Promise<string> {
  const bytes = await readFile(file === '-' ? '/dev/stdin' : file).catch((error: unknown) => {
    throw wrong(messageOf(error));
  });
  const text = bytes.toString();
  const { problems } = parseCloudConfig(file === '-' ? 'standard input' : file, text);
  if (problems.length > 0)
    throw new KnarrError({ code: 'cloud-config', blame: 'user', message: problems.map(renderProblem).join('\n') });
  return text;
}

/** Throws when one of the machine's own files has a mistake; one that is about to be replaced (`but`) may. */
function refuseMistakes(problems: readonly Problem[], say: (text: string) => void, but?: string): void {
  const own = problems.filter(({ source }) => source.startsWith(ownFolder) && source !== but);
  for (const problem of own) say(renderProblem(problem));
  if (own.length > 0) throw wrong('nothing was applied, nothing was changed');
}

/** Milliseconds of `5m`; undefined where it is no duration. */
function durationOf(text: string): number | undefined {
  try {
    return parseGoDuration(text);
  } catch {
    return undefined;
  }
}

function tell({ applied, pending, failed, restarted }: Reconciled, say: (text: string) => void): void {
  if (applied.length > 0) say(`applied: ${applied.join(', ')}`);
  if (restarted.length > 0) say(`restarted: ${restarted.join(', ')} (no pod is touched)`);
  for (const { key, message } of failed) say(`${key}: ${message}`);
  if (pending.length > 0) say(`waits for the next boot: ${pending.join(', ')}`);
  if (applied.length + pending.length + failed.length === 0) say('nothing has changed');
}

const reboot = async ({ host, say }: Context): Promise<void> => {
  say('the machine starts anew');
  await host.run('systemctl', ['reboot']);
};

async function apply(args: readonly string[], context: Context): Promise<number> {
  const { host, say } = context;
  const options = parse('apply', args);
  if ((await readTrial(host)) !== undefined)
    throw wrong('a configuration is on trial: knarr config confirm, or knarr config revert, comes first');
  if (options.file !== undefined) {
    const text = await checked(options.file);
    refuseMistakes((await standing(host)).problems, say, mainFile);
    await writeFileAtomic(host.path(mainFile), text, { mode: 0o600 });
  }
  const { before, after, problems } = await standing(host);
  refuseMistakes(problems, say);
  // what is wrong in a seed or in a cloud's answer was left out when the machine booted, and is now
  for (const problem of problems) say(renderProblem(problem));
  const result = await reconcile({ host, before, after });
  tell(result, say);
  if (result.failed.length > 0) return 1;
  if (result.pending.length > 0 && options.reboot) await reboot(context);
  return 0;
}

async function goBack(context: Context, reason: string): Promise<void> {
  const result = await revertTrial(context.host, reason);
  context.say(`the configuration before the trial is back: ${reason}`);
  tell(result, context.say);
  if (result.reboot) await reboot(context);
}

/** Keeps the configuration on trial when the machine is well with it, and goes back when it is not. */
async function judge(context: Context): Promise<number> {
  const trial = await readTrial(context.host);
  if (trial === undefined) return 0;
  const left = Math.max(10, trial.seconds - 30);
  const reasons = await context.unwell(left, trial);
  if ((await readTrial(context.host))?.id !== trial.id) return 1;
  if (reasons.length > 0) {
    await goBack(context, reasons.join('; '));
    return 1;
  }
  await keepTrial(context.host, 'the machine is well');
  context.say('the machine is well: the configuration is kept');
  return 0;
}

async function tryOut(args: readonly string[], context: Context): Promise<number> {
  const { host, say } = context;
  const { file, seconds, keeper, target, id, reboot: mayReboot } = parse('try', args);
  if (file === undefined) throw wrong('name a file: knarr config try FILE');
  if ((await readTrial(host)) !== undefined)
    throw wrong('a configuration is on trial already: knarr config confirm, or knarr config revert');
  const text = await checked(file);
  refuseMistakes((await standing(host)).problems, say, target);
  const trial = await beginTrial(host, {
    ...{ file: target, text, seconds, keeper, id },
    failedBefore: await failedUnits(host),
    gatewaysBefore: await gatewaysOf(host),
  });
  const { before, after } = await standing(host);
  const late = changesBetween(before, after).filter(({ effect }) => effect === 'boot');
  if (late.length > 0) {
    const names = late.map(({ key }) => key).join(', ');
    if (!mayReboot) {
      await dropTrial(host, trial);
      throw wrong(`${names}: only a boot brings this about; nothing was changed (--reboot allows it)`);
    }
    say(`${names}: tried out by a boot`);
    await writeTrial(host, { ...trial, boots: 1 });
    await reboot(context);
    return 0;
  }
  await startTimer(host, seconds);
  const result = await reconcile({ host, before, after });
  tell(result, say);
  if (result.failed.length > 0) {
    await goBack(context, result.failed.map(({ key, message }) => `${key}: ${message}`).join('; '));
    return 1;
  }
  if (keeper === 'health') return judge(context);
  say(`on trial for ${seconds} s: "knarr config confirm" keeps it, "knarr config revert" goes back at once`);
  return 0;
}

/** `knarr config`: resolves with the exit code. */
export async function configCommand(args: readonly string[], context: Context): Promise<number> {
  const [word, ...rest] = args;
  if (rest.includes('--help') || rest.includes('-h')) return inspect(['help']);
  switch (word) {
    case 'apply':
      return apply(rest, context);
    case 'try':
      return tryOut(rest, context);
    case 'confirm':
      await keepTrial(context.host, 'it was confirmed');
      context.say('the configuration is kept');
      return 0;
    case 'revert':
      await goBack(context, rest.join(' ') || 'it was asked for');
      return 0;
    case 'judge':
      return judge(context);
    default:
      return inspect(args, context.host);
  }
}

const onMachine: Context = {
  host: machine,
  say: (text) => void process.stderr.write(`${text}\n`),
  unwell: (deadlineSeconds, { failedBefore, gatewaysBefore }) =>
    healthGate({
      host: machine,
      state: upgradeState(),
      deadlineSeconds,
      say: (text) => void process.stderr.write(`${text}\n`),
      failedBefore: new Set(failedBefore),
      // workloads are compared across upgrades only
      checks: [networkCheck(gatewaysBefore), ...healthChecks.filter(({ name }) => name !== 'workloads')],
    }),
};

export async function main(args: readonly string[]): Promise<number> {
  let code: number;
  try {
    code = await configCommand(args, onMachine);
  } catch (error) {
    process.stderr.write(`knarr: ${wordsOf(error)}\n`);
    code = 1;
  }
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  return code;
}
