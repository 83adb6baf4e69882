import { localSupervisor, type SupervisorClient } from '../../daemon/join/supervisor-client.ts';
import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import type { EncryptionRequest, EncryptionState } from '../../daemon/secrets-encryption.ts';
import { parseArguments } from '../arguments.ts';
import { flagHelp } from '../help.ts';

const flags = [
  { name: 'data-dir', aliases: ['d'], type: 'string', usage: 'Folder that holds state', default: defaultDataDir() },
  { name: 'server', aliases: ['s'], type: 'string', usage: 'Server to talk to', default: 'https://127.0.0.1:6443' },
  { name: 'token', aliases: ['t'], type: 'string', usage: 'The server’s token; default: of this machine' },
  { name: 'output', aliases: ['o'], type: 'string', usage: 'json or text', default: 'text' },
  { name: 'force', aliases: ['f'], type: 'boolean', usage: 'Go on whatever the stage is' },
  { name: 'skip', type: 'boolean', usage: 'Keep the old keys after Secrets are written anew' },
] as const;

/** As K3s prints it. */
export function statusText({ enable, stage, activekey, hashmatch, inactivekeys = [] }: EncryptionState): string {
  if (enable === undefined) return 'Encryption Status: Disabled, no configuration file found\n';
  const rows = [
    ['Active', 'Key Type', 'Name'],
    ['------', '--------', '----'],
    ...(activekey === '' ? [] : [[' *', ...activekey.split(' ')]]),
    ...inactivekeys.map((key) => ['', ...key.split(' ')]),
  ];
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)) + 2);
  const table = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')).join('\n');
  return `Encryption Status: ${enable ? 'Enabled' : 'Disabled'}
Current Rotation Stage: ${stage}
Server Encryption Hashes: ${hashmatch ? 'All hashes match' : 'hashes do not match'}

${table}
`;
}

interface Options {
  output: string;
  force: boolean;
  skip: boolean;
}

const change =
  (request: (options: Options) => EncryptionRequest, done: string) =>
  async (server: SupervisorClient, options: Options): Promise<void> => {
    // Switching on or off writes all Secrets before it answers.
    await server.put('/v1-k3s/encrypt/config', request(options), 70_000);
    process.stdout.write(`${done}\n`);
  };

const actions: Readonly<Record<string, (server: SupervisorClient, options: Options) => Promise<void>>> = {
  async status(server, { output }) {
    const state = JSON.parse(await server.get('/v1-k3s/encrypt/status')) as EncryptionState;
    process.stdout.write(output === 'json' ? `${JSON.stringify(state, null, '\t')}\n` : statusText(state));
  },
  enable: change(() => ({ enable: true }), 'secrets-encryption enabled'),
  disable: change(() => ({ enable: false }), 'secrets-encryption disabled'),
  prepare: change(({ force }) => ({ stage: 'prepare', force }), 'prepare completed successfully'),
  rotate: change(({ force }) => ({ stage: 'rotate', force }), 'rotate completed successfully'),
  reencrypt: change(({ force, skip }) => ({ stage: 'reencrypt_active', force, skip }), 'reencryption started'),
  'rotate-keys': change(() => ({ stage: 'rotate_keys' }), 'keys rotated, reencryption started'),
};

export async function run(args: readonly string[]): Promise<number> {
  const { flags: given, words, help } = parseArguments(args, flags);
  const action = words[0] === undefined ? undefined : actions[words[0]];
  if (help || action === undefined || words.length > 1) {
    process.stdout.write(
      `USAGE:\n   knarr secrets-encrypt ${Object.keys(actions).join('|')} [options]\n\n${flagHelp(flags)}`,
    );
    return help ? 0 : 1;
  }
  const on = (name: string): boolean => given.get(name)?.at(-1) === 'true';
  const server = await localSupervisor({
    paths: createPaths(given.get('data-dir')?.at(-1) ?? defaultDataDir()),
    server: given.get('server')?.at(-1) ?? 'https://127.0.0.1:6443',
    token: given.get('token')?.at(-1),
  });
  await action(server, { output: given.get('output')?.at(-1) ?? 'text', force: on('force'), skip: on('skip') });
  return 0;
}
