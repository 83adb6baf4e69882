import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import { run } from '../../src/base/run.ts';

export type Purpose = 'image' | 'vm' | 'nodes' | 'bench';

interface HostPackage {
  name: string;
  /** A program on the PATH, or an absolute path, whose presence means that the package is not needed. */
  provides: string;
  for: readonly Purpose[];
  why: string;
}

/** Everything that is wanted from this machine's own distribution, by what it is for. */
const packages: readonly HostPackage[] = [
  { name: 'mmdebstrap', provides: 'mmdebstrap', for: ['image'], why: 'makes the tree of build tools' },
  {
    name: 'debian-archive-keyring',
    provides: '/usr/share/keyrings/debian-archive-keyring.gpg',
    for: ['image'],
    why: 'verifies Debian packages',
  },
  { name: 'mount', provides: 'mount', for: ['image', 'nodes'], why: 'gives the build tools /proc and /dev' },
  { name: 'util-linux', provides: 'flock', for: ['image'], why: 'lets one build wait for another' },
  { name: 'openssh-client', provides: 'ssh', for: ['vm'], why: 'logs in to the machine' },
  { name: 'iproute2', provides: 'ip', for: ['nodes'], why: 'network namespaces of test nodes' },
  { name: 'nftables', provides: 'nft', for: ['nodes'], why: 'services on test nodes' },
  { name: 'iptables', provides: 'iptables', for: ['nodes'], why: 'host ports on test nodes' },
  { name: 'conntrack', provides: 'conntrack', for: ['nodes'], why: 'UDP services on test nodes' },
  { name: 'runc', provides: 'runc', for: ['nodes'], why: 'containers on test nodes' },
  { name: 'kmod', provides: 'modprobe', for: ['nodes'], why: 'kernel modules of test nodes' },
  { name: 'wrk', provides: 'wrk', for: ['bench'], why: 'generates the load of the bench' },
  { name: 'procps', provides: 'sysctl', for: ['nodes'], why: 'kernel settings of test nodes' },
];

const searchPath = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

async function present(program: string): Promise<boolean> {
  const candidates = program.startsWith('/') ? [program] : searchPath.map((folder) => join(folder, program));
  const found = await Promise.all(
    candidates.map((path) =>
      access(path, constants.R_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Installs what is missing for `purposes`; throws `host-packages` saying what cannot be had and what it was for. */
export async function ensureHostPackages(purposes: readonly Purpose[], say: (detail: string) => void): Promise<void> {
  const wanted = packages.filter((p) => p.for.some((purpose) => purposes.includes(purpose)));
  const missingOf = async (): Promise<HostPackage[]> => {
    const there = await Promise.all(wanted.map((p) => present(p.provides)));
    return wanted.filter((_, index) => there[index] === false);
  };
  const missing = await missingOf();
  if (missing.length === 0) return say(`all ${wanted.length} present`);
  const list = missing.map((p) => `${p.name} (${p.why})`).join(', ');
  const fail = (why: string): never => {
    throw new KnarrError({ code: 'host-packages', blame: 'world', message: `needs these packages: ${list}; ${why}` });
  };
  const names = missing.map((p) => p.name);
  if (process.getuid?.() !== 0) fail(`run as root, or first: apt-get install ${names.join(' ')}`);
  if (!(await present('apt-get'))) fail('this machine has no apt-get: install them by its own means');
  say(`installing ${names.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = (): Promise<unknown> =>
    run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', ...names], {
      env,
      timeoutMs: 900_000,
    });
  try {
    await install().catch(async () => {
      await run('apt-get', ['update'], { env, timeoutMs: 600_000 });
      await install();
    });
  } catch (error) {
    fail(messageOf(error));
  }
  const still = await missingOf();
  if (still.length > 0) fail(`apt-get installed them, yet ${still.map((p) => p.provides).join(', ')} is not there`);
  say(`installed ${names.join(' ')}`);
}
