import { type Host, machine } from '../../cloud-config/host.ts';
import { KnarrError, wordsOf } from '../../src/base/errors.ts';
import { upgradeFolder, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { withEsp } from '../boot/esp.ts';
import { changePartitions, readPartitions } from '../disk/gpt.ts';
import { varLabel } from '../disk/layout.ts';
import { readMachineDisk } from '../disk/machine-disk.ts';
import { faultAt } from '../update/fault.ts';
import { withUpgradeLock } from '../update/lock.ts';
import { refuseBesideMachine } from '../update/on-trial.ts';
import { handOver } from './kept.ts';

const usage = `USAGE:
   knarr reset [OPTIONS]     give this machine back as it was when it was new: /var is made anew on the next start

   --keep-config    the machine's own cloud-config (/var/lib/rancher/k3os) stays
   --wipe           what was in /var is overwritten after the restart
   --yes            ask nothing
   --no-reboot      the machine is restarted later by hand, and runs as it is until then
`;

interface ResetRequest {
  keepConfig: boolean;
  wipe: boolean;
  yes: boolean;
  reboot: boolean;
}

const refuse = (message: string): KnarrError => new KnarrError({ code: 'reset', blame: 'user', message });

function parse(args: readonly string[]): ResetRequest {
  const known = new Set(['--keep-config', '--wipe', '--yes', '--no-reboot']);
  const unknown = args.find((arg) => !known.has(arg));
  if (unknown !== undefined) throw refuse(`flag provided but not defined: ${unknown}\n${usage}`);
  return {
    keepConfig: args.includes('--keep-config'),
    wipe: args.includes('--wipe'),
    yes: args.includes('--yes'),
    reboot: !args.includes('--no-reboot'),
  };
}

async function confirm({ keepConfig }: ResetRequest): Promise<void> {
  if (!process.stdin.isTTY) throw refuse('there is nobody to ask: say --yes');
  const { terminalAsker } = await import('../install/ask/terminal.ts');
  const ask = terminalAsker('Knarr: reset');
  const lost = `The cluster's data, images and volumes of this machine will be lost${keepConfig ? '' : ', and its cloud-config'}`;
  await ask.text({
    message: `${lost}. Type reset to go on`,
    validate: (text) => (text === 'reset' ? undefined : 'type reset, or leave with Ctrl-C'),
  });
}

/**
 * Takes /var out of the table of partitions, which is one write that is there or is not; the next start makes it anew.
 * Until then the machine runs as it did.
 */
export const reset = (request: Pick<ResetRequest, 'keepConfig' | 'wipe'>, host: Host): Promise<void> =>
  withUpgradeLock(host, async () => {
    // what is on trial is known from /var alone: without it nobody would keep it
    refuseBesideMachine(await upgradeState(host.path(upgradeFolder)).read('pending'), 'the reset');
    await takeOut(request, host);
  });

async function takeOut(request: Pick<ResetRequest, 'keepConfig' | 'wipe'>, host: Host): Promise<void> {
  const reach = faultAt(process.env.KNARR_FAULT, (text) => void process.stderr.write(`${text}\n`));
  const disk = await readMachineDisk(host);
  const { partitions } = await readPartitions(disk.device);
  const found = partitions.find(({ label }) => label === varLabel);
  if (found === undefined)
    throw refuse(`${disk.device} has no partition ${varLabel}: it is made on the next start already`);
  await withEsp(host, disk, 'write', (esp) => handOver(host, esp, request));
  await reach('reset.handed-over');
  await changePartitions(disk.device, new Map([[found.number, { remove: true }]]));
  await reach('reset.removed');
}

/** `knarr reset`: resolves with the exit code. */
export async function main(args: readonly string[], host: Host = machine): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    const request = parse(args);
    if (process.getuid?.() !== 0) throw refuse('run it as root: sudo knarr reset');
    if (!request.yes) await confirm(request);
    await reset(request, host);
    process.stderr.write('knarr reset: /var will be made anew on the next start\n');
    if (request.reboot) await host.run('systemctl', ['reboot']);
    return 0;
  } catch (error) {
    process.stderr.write(`knarr reset: ${wordsOf(error)}\n`);
    return 1;
  }
}
