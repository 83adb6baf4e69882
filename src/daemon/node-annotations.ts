import { createHash } from 'node:crypto';
import type { Role } from './flags/table.ts';
import type { RawValues } from './values.ts';

/** How a daemon was started: what K3s writes on its node. */
export interface StartedWith {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const secretFlags = new Set([
  'token',
  'agent-token',
  'cluster-secret',
  'datastore-endpoint',
  'etcd-s3-access-key',
  'etcd-s3-secret-key',
  'etcd-s3-session-token',
  'vpn-auth',
]);
const isSecretVariable = (name: string): boolean => /TOKEN|SECRET|DATASTORE_ENDPOINT|ACCESS_KEY|VPN_AUTH$/.test(name);
const hidden = '********';

/** Role, flags of the command line and of the files, and K3S_* variables; secrets are starred out. */
export function startedWith(options: {
  role: Role;
  commandLine: RawValues;
  file: RawValues;
  env: NodeJS.ProcessEnv;
}): StartedWith {
  const { role, commandLine, file, env } = options;
  const flags = [...commandLine, ...[...file].filter(([name]) => !commandLine.has(name))];
  return {
    args: [
      role,
      ...flags.flatMap(([name, values]) =>
        values.flatMap((value) => [`--${name}`, secretFlags.has(name) ? hidden : value]),
      ),
    ],
    env: Object.fromEntries(
      Object.entries(env)
        .filter(([name]) => name.startsWith('K3S_'))
        .map(([name, value]) => [name, isSecretVariable(name) ? hidden : (value ?? '')]),
    ),
  };
}

const base32 = (bytes: Buffer): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const text = (bits.match(/.{1,5}/g) ?? []).map((five) => letters[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
};

/** The annotations that K3s gives its nodes. */
export function nodeAnnotations(options: {
  nodeName: string;
  internalIps: readonly string[];
  externalIps: readonly string[];
  started: StartedWith;
}): Record<string, string> {
  const { nodeName, internalIps, externalIps, started } = options;
  const [args, env] = [JSON.stringify(started.args), JSON.stringify(started.env)];
  return {
    'k3s.io/hostname': nodeName,
    'k3s.io/internal-ip': internalIps.join(','),
    ...(externalIps.length === 0 ? {} : { 'k3s.io/external-ip': externalIps.join(',') }),
    'k3s.io/node-args': args,
    'k3s.io/node-config-hash': base32(createHash('sha256').update(args).update(env).digest()),
    'k3s.io/node-env': env,
  };
}
