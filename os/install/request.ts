import type { Install } from '../../cloud-config/keys/k3os.ts';
import { KnarrError } from '../../src/base/errors.ts';

/** What happens when all is on the disk. */
export type Afterwards = 'stay' | 'reboot' | 'power-off';

/** What the installer is asked to do. */
export interface InstallRequest {
  /** A device, or a file that stands for one. */
  readonly device: string | undefined;
  /** A URL or a path of the cloud-config that the installed machine gets. */
  readonly config: string | undefined;
  /** As `knarr upgrade` takes it, or an ISO image. */
  readonly source: string | undefined;
  /** Nothing is asked. */
  readonly silent: boolean;
  /** What is on the disk may be lost. */
  readonly force: boolean;
  /** /var of an earlier installation stays as it is. */
  readonly keepVar: boolean;
  /** The disk starts by UEFI alone; the machine may have been started by BIOS all the same. */
  readonly forceEfi: boolean;
  /** A console of the installed machine besides its usual ones. */
  readonly tty: string | undefined;
  readonly afterwards: Afterwards;
  readonly debug: boolean;
}

export const usage = `USAGE:
   knarr install [OPTIONS] [DEVICE]    put Knarr on a disk; asks for what is not given

   --device DEVICE      the disk; everything on it is replaced
   --config URL|FILE    the cloud-config of the installed machine (otherwise: that of this machine)
   --source SOURCE      what is installed: a folder, .tar, .iso or URL (otherwise: what this machine was started from)
   --silent             ask nothing
   --force              the disk need not be empty
   --no-format          keep /var of an earlier installation on the disk
   --force-efi          this machine was started by BIOS, and the disk, which starts by UEFI alone, is right all the same
   --tty TTY            a further console of the installed machine, like ttyS1
   --reboot, --poweroff what happens afterwards
   --debug              say more
   --takeover           on another Linux: replace it, on the disk that it runs from; needs --device, --config, --source
`;

const refuse = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

const valued = { '--device': 'device', '--config': 'config', '--source': 'source', '--tty': 'tty' } as const;
const bare = {
  '--silent': { silent: true },
  '--force': { force: true },
  '--no-format': { keepVar: true },
  '--force-efi': { forceEfi: true },
  '--debug': { debug: true },
  '--reboot': { afterwards: 'reboot' },
  '--poweroff': { afterwards: 'power-off' },
  '--power-off': { afterwards: 'power-off' },
} as const;

/** The request of `k3os.install`, as it is when nobody says more. */
export function requestOf(install: Install = {}): InstallRequest {
  return {
    device: install.device,
    config: install.config_url,
    source: install.iso_url,
    silent: install.silent ?? false,
    force: install.force ?? false,
    keepVar: install.no_format ?? false,
    forceEfi: install.force_efi ?? false,
    tty: install.tty,
    afterwards: install.power_off ? 'power-off' : install.silent ? 'reboot' : 'stay',
    debug: install.debug ?? false,
  };
}

/** The words of `knarr install` over what the configuration asks for. Throws KnarrError `usage`. */
export function parseRequest(args: readonly string[], install: Install = {}): InstallRequest {
  let request: Record<string, unknown> = { ...requestOf(install) };
  let named: string | undefined;
  const device = (path: string): void => {
    if (named !== undefined) throw refuse(`one disk at a time: ${named} and ${path}`);
    request.device = named = path;
  };
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    const [flag = '', given] = word.startsWith('-') ? word.split(/=(.*)/s) : [word];
    if (flag in valued) {
      const value = given ?? args[++index] ?? '';
      if (value === '') throw refuse(`flag needs an argument: ${flag}`);
      if (flag === '--device') device(value);
      else request[valued[flag as keyof typeof valued]] = value;
    } else if (flag in bare && given === undefined) request = { ...request, ...bare[flag as keyof typeof bare] };
    else if (flag in bare) throw refuse(`flag takes no value: ${word}`);
    else if (word.startsWith('-')) throw refuse(`flag provided but not defined: ${flag}\n${usage}`);
    else device(word);
  }
  return request as unknown as InstallRequest;
}
