import { parseArgs } from 'node:util';
import { machine } from '../../cloud-config/host.ts';
import { trialSeconds } from '../../src/addons/plans/request.ts';
import { KnarrError, messageOf, wordsOf } from '../../src/base/errors.ts';
import { parseDuration } from '../../src/daemon/argument-values.ts';
import { upgradeDaemon } from '../daemon/upgrade.ts';
import { rollbackMachine } from './rollback.ts';
import { machineStatus, renderStatus } from './status.ts';
import { upgradeMachine } from './upgrade.ts';

const usages = {
  upgrade: `USAGE:
   knarr upgrade [options] FROM

FROM is a folder, a .tar file, an http(s) URL of either, oci:FOLDER, or an image of a registry (oci://host/name:tag).

OPTIONS:
   --check               Verify that FROM is signed and fits this machine; change nothing
   --reboot              Start the new version at once
   --no-reboot           Start it with the next boot (the default)
   --tries N             How often it may start before the machine goes back (default 3)
   --deadline DURATION   How long it may take to be healthy at each try (10s to 110m, default 10m)
   --force               Take another flavour; go on though there is no way back
   --daemon              FROM is a daemon alone: no pod is touched, nothing is restarted but the daemon
   --plan NAME=HASH      The plan of the cluster that asks for it
`,
  rollback: `USAGE:
   knarr rollback [options]

Starts the version of the other slot.

OPTIONS:
   --reboot              Start it at once
   --no-reboot           Start it with the next boot (the default)
   --tries N             How often it may start before the machine comes back here (default 3)
   --deadline DURATION   How long it may take to be healthy at each try (10s to 110m, default 10m)
   --restore-datastore   Put the copy of the datastore in its place, if the other version cannot read it as it is now
`,
  status: `USAGE:
   knarr status [-o json|text]
`,
};

const options = {
  help: { type: 'boolean', short: 'h' },
  check: { type: 'boolean', default: false },
  reboot: { type: 'boolean', default: false },
  'no-reboot': { type: 'boolean', default: false },
  tries: { type: 'string', default: '3' },
  deadline: { type: 'string', default: '10m' },
  force: { type: 'boolean', default: false },
  daemon: { type: 'boolean', default: false },
  plan: { type: 'string' },
  'restore-datastore': { type: 'boolean', default: false },
  output: { type: 'string', short: 'o', default: 'text' },
} as const;

const trying = ['reboot', 'no-reboot', 'tries', 'deadline'];

/** What each command takes of them, and how many words besides. */
const takes: Record<'upgrade' | 'rollback' | 'status', { words: number; options: readonly string[] }> = {
  upgrade: { words: 1, options: [...trying, 'check', 'force', 'daemon', 'plan'] },
  rollback: { words: 0, options: [...trying, 'restore-datastore'] },
  status: { words: 0, options: ['output'] },
};

const usageError = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

type Values = ReturnType<typeof parse>['values'];

function parse(name: keyof typeof takes, args: readonly string[]) {
  const parsed = parseWords(args);
  const unknown = parsed.tokens.find(
    (token) => token.kind === 'option' && token.name !== 'help' && !takes[name].options.includes(token.name),
  );
  if (unknown?.kind === 'option') throw usageError(`knarr ${name} has no option ${unknown.rawName}`);
  const word = parsed.positionals[takes[name].words];
  if (word !== undefined) throw usageError(`knarr ${name} can do nothing with ${JSON.stringify(word)}`);
  return parsed;
}

function parseWords(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw usageError(messageOf(error));
  }
}

function trialOf({ tries, deadline }: Values): { tries: number; deadlineSeconds: number } {
  if (!/^[1-9]$/.test(tries)) throw usageError(`--tries is a number from 1 to 9, not ${JSON.stringify(tries)}`);
  const deadlineSeconds = parseDuration(deadline) / 1000;
  const { least, most } = trialSeconds;
  if (!(deadlineSeconds >= least && deadlineSeconds <= most))
    throw usageError(`--deadline is from ${least}s to ${most / 60}m, not ${deadline}`);
  return { tries: Number(tries), deadlineSeconds };
}

function requestOf(plan: string | undefined): { request?: { plan: string; hash: string } } {
  if (plan === undefined) return {};
  const [, name, hash] = /^([^=]+)=([\w-]+)$/.exec(plan) ?? [];
  if (name === undefined || hash === undefined) throw usageError('--plan is NAME=HASH');
  return { request: { plan: name, hash } };
}

async function restart(values: Values, to: string): Promise<void> {
  if (!values.reboot || values['no-reboot']) {
    say(`${to} starts with the next boot`);
    return;
  }
  say(`restarting into ${to}`);
  await machine.run('systemctl', ['reboot']);
}

async function upgrade(values: Values, words: readonly string[]): Promise<void> {
  const [from] = words;
  if (from === undefined) throw usageError('knarr upgrade needs what to upgrade from (knarr upgrade --help)');
  const { KNARR_FAULT: fault } = process.env;
  const { check: checkOnly, force } = values;
  const asked = { ...trialOf(values), ...requestOf(values.plan), checkOnly, force };
  if (values.daemon) {
    const ended = await upgradeDaemon(machine, from, asked, say);
    if (!('result' in ended)) return say(`the daemon ${ended.to} can be started on this machine`);
    if (ended.result !== 'kept')
      throw new KnarrError({ code: 'unhealthy', blame: 'world', message: `${ended.to} was not kept` });
    return;
  }
  const { to, kubernetes } = await upgradeMachine(
    machine,
    from,
    { ...asked, ...(fault === undefined ? {} : { fault }) },
    say,
  );
  if (checkOnly) say(`${to} (Kubernetes ${kubernetes}) can be put on this machine`);
  else await restart(values, to);
}

async function rollback(values: Values): Promise<void> {
  const restoreDatastore = values['restore-datastore'];
  const { to } = await rollbackMachine(machine, { ...trialOf(values), restoreDatastore }, say);
  await restart(values, to);
}

async function status(values: Values): Promise<void> {
  if (values.output !== 'json' && values.output !== 'text')
    throw usageError(`-o is json or text, not ${JSON.stringify(values.output)}`);
  const found = await machineStatus(machine);
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(found, undefined, 2)}\n` : renderStatus(found));
}

const actions = { upgrade, rollback, status } as const;

/** `knarr upgrade|rollback|status …` */
export async function upgradeCommand(name: keyof typeof actions, args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(name, args);
    if (values.help) {
      process.stdout.write(usages[name]);
      return 0;
    }
    if (process.getuid?.() !== 0) throw usageError(`knarr ${name} must be run as root`);
    await actions[name](values, positionals);
    return 0;
  } catch (error) {
    process.stderr.write(`knarr: ${wordsOf(error)}\n`);
    return 1;
  }
}
