import { spawnSync } from 'node:child_process';
import { run } from '../../src/base/run.ts';

const marker = 'KNARR_TEST_NAMESPACE';

/** Why tests that make network namespaces cannot run here; undefined when they can. */
export function whyNoNamespace(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['nft', 'ip', 'conntrack', 'unshare'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `needs ${program}`;
  return undefined;
}

/**
 * True inside a network and mount namespace of this test file's own. Outside it runs the same file again in one, prints
 * what that prints where it fails, and ends with its exit code: what a test leaves behind goes away with the namespace.
 */
export function inOwnNamespace(file: string): boolean {
  if (process.env[marker] !== undefined) return true;
  const prepare = 'mount -t tmpfs none /run && mkdir -p /run/netns && mount -t sysfs none /sys && ip link set lo up';
  const { status, signal, stdout } = spawnSync(
    'unshare',
    ['--net', '--mount', 'sh', '-c', `${prepare} && exec "$@"`, 'sh', process.execPath, file],
    {
      env: { ...process.env, [marker]: '1', NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 120_000,
    },
  );
  if (status !== 0) {
    console.error(`${stdout}\n${file} failed in its namespace: ${signal ?? `exit code ${status}`}`);
    process.exitCode = 1;
  }
  return false;
}

export const sh = async (command: string, okCodes: readonly number[] = [0]): Promise<string> =>
  (await run('sh', ['-c', command], { timeoutMs: 20_000, okCodes })).stdout;

/** A namespace on a bridge `br` of the node with an address and a default route to the node: a pod, or a machine. */
export async function addPeer(name: string, bridge: string, address: string, gateway: string): Promise<void> {
  await sh(`set -e
    ip netns add ${name}
    ip link add ${name}-h type veth peer name eth0 netns ${name}
    ip link set ${name}-h master ${bridge} up
    ip -n ${name} addr add ${address} dev eth0 nodad
    ip -n ${name} link set eth0 up
    ip -n ${name} link set lo up
    ip -n ${name} route add default via ${gateway}`);
}

export async function addBridge(name: string, ...addresses: string[]): Promise<void> {
  await sh(`ip link add ${name} type bridge && ip link set ${name} up`);
  for (const address of addresses) await sh(`ip addr add ${address} dev ${name} nodad`);
}

/** In namespace `name` (or the node's own, when undefined). */
export const inside = (name: string | undefined, command: string, okCodes?: readonly number[]): Promise<string> =>
  sh(name === undefined ? command : `ip netns exec ${name} sh -c '${command}'`, okCodes);
