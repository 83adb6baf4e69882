import { existsSync } from 'node:fs';
import { type Host, machine } from '../../cloud-config/host.ts';
import { mergeConfigs } from '../../cloud-config/merge.ts';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { readAll } from '../../cloud-config/sources.ts';
import { KnarrError, wordsOf } from '../../src/base/errors.ts';
import { createProcessLock } from '../process-lock.ts';
import { faultAt } from '../update/fault.ts';
import { keyFolders, type UpdateArch } from '../update/manifest.ts';
import type { Answers } from './ask/questions.ts';
import { listDisks, sizeText } from './disks.ts';
import { fetchConfig, type KeptConfig, textOf } from './kept-config.ts';
import { install } from './phases.ts';
import { type InstallRequest, parseRequest, usage } from './request.ts';

const refuse = (message: string): KnarrError => new KnarrError({ code: 'install', blame: 'user', message });

const ownArch: UpdateArch = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** The disk when nobody names one: the only one that is empty and large enough. */
async function onlyDisk(host: Host): Promise<string> {
  const disks = await listDisks(host);
  const [first, second] = disks.filter(({ unusable, contents }) => unusable === undefined && contents.length === 0);
  if (first !== undefined && second === undefined) return first.path;
  const seen = disks.map(
    ({ path, size, unusable, contents }) =>
      `${path} (${sizeText(size)}, ${unusable ?? (contents.length === 0 ? 'empty' : contents.join(', '))})`,
  );
  throw refuse(
    `name the disk with --device or k3os.install.device: ${
      first === undefined ? 'none is empty and large enough' : 'more than one would do'
    }; there are ${seen.length === 0 ? 'none' : seen.join('; ')}`,
  );
}

/** The disk starts by UEFI alone: a machine that was started otherwise would not find it. */
function checkFirmware(host: Host, request: InstallRequest): void {
  if (request.forceEfi || existsSync(host.path('/sys/firmware/efi'))) return;
  throw refuse(
    'this machine was started by BIOS, and what is installed starts by UEFI: switch its firmware to UEFI, or say --force-efi when it will be',
  );
}

async function answersOf(request: InstallRequest, config: CloudConfig, host: Host): Promise<Answers> {
  if (!request.silent) {
    if (!process.stdin.isTTY) throw refuse('there is nobody to ask: say --silent, and --device');
    const { askAll } = await import('./ask/questions.ts');
    return askAll({ request, config, host });
  }
  const device = request.device ?? (await onlyDisk(host));
  const kept: KeptConfig =
    request.config === undefined
      ? { text: textOf(config), warnings: [] }
      : await fetchConfig(request.config, host, { patienceMs: 120_000 });
  return { request: { ...request, device }, kept };
}

async function finish(host: Host, request: InstallRequest, say: (text: string) => void): Promise<void> {
  if (request.afterwards === 'stay') {
    say('take the medium out and restart the machine');
    return;
  }
  say(request.afterwards === 'reboot' ? 'restarting' : 'turning off');
  await host.run('systemctl', [request.afterwards === 'reboot' ? 'reboot' : 'poweroff']);
}

async function run(args: readonly string[], host: Host): Promise<number> {
  const found = mergeConfigs((await readAll(host)).map(({ config }) => config));
  const asked = parseRequest(args, found.k3os?.install);
  if (process.getuid?.() !== 0) throw refuse('run it as root: sudo knarr install');
  checkFirmware(host, asked);
  const release = await createProcessLock(host.path('/run/knarr/install.pid'), 'an installation');
  try {
    const { request, kept } = await answersOf(asked, found, host);
    const say = (text: string): void => void process.stderr.write(`knarr install: ${text}\n`);
    for (const warning of kept.warnings) say(`cloud-config: ${warning}`);
    const reach = faultAt(process.env.KNARR_FAULT, say);
    const { manifest } = await install(
      {
        host,
        arch: ownArch,
        request,
        config: kept,
        scratch: host.path('/var/tmp/knarr-install'),
        efiFolder: '/usr/lib/knarr/efi',
        keyFolders: keyFolders.map((folder) => host.path(folder)),
        say,
      },
      (phase, moment) => reach(`install.${phase}.${moment}`),
    );
    say(`Knarr ${manifest.version} is on ${request.device}`);
    await finish(host, request, say);
    return 0;
  } finally {
    await release();
  }
}

/** `knarr install`: resolves with the exit code. */
export async function main(args: readonly string[], host: Host = machine): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    if (args.includes('--takeover')) {
      const { takeover } = await import('./takeover/command.ts');
      return await takeover(
        args.filter((arg) => arg !== '--takeover'),
        host,
      );
    }
    return await run(args, host);
  } catch (error) {
    process.stderr.write(`knarr install: ${wordsOf(error)}\n`);
    return 1;
  }
}
