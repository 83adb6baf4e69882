import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from '../../api/gen/core-v1.ts';
import { secrets } from '../../api/gen/resources.ts';
import { KnarrError } from '../../base/errors.ts';
import { parseDuration } from '../../daemon/argument-values.ts';
import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import { bootstrapTokenPattern, caHash, generateBootstrapToken } from '../../pki/token.ts';
import { parseArguments } from '../arguments.ts';
import { flagHelp } from '../help.ts';
import { withLocalClient } from './local-client.ts';

const namespace = 'kube-system';

const flags = [
  { name: 'data-dir', aliases: ['d'], type: 'string', usage: 'Folder that holds state', default: defaultDataDir() },
  { name: 'kubeconfig', type: 'string', usage: 'Kubeconfig of the server to talk to' },
  { name: 'description', type: 'string', usage: 'What the token is for' },
  {
    name: 'groups',
    type: 'list',
    usage: 'Groups of who shows it',
    default: 'system:bootstrappers:k3s:default-node-token',
  },
  { name: 'ttl', type: 'string', usage: 'How long it is good for; 0 is for ever', default: '24h' },
  { name: 'usages', type: 'list', usage: 'What it is good for', default: 'signing,authentication' },
  { name: 'output', aliases: ['o'], type: 'string', usage: 'json or text', default: 'text' },
] as const;

const usage = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

interface Options {
  dataDir: string;
  kubeconfig: string | undefined;
  description: string;
  groups: readonly string[];
  ttl: string;
  usages: readonly string[];
  output: string;
}

const field = (secret: Secret, name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString();

/** The Secret of a bootstrap token, in the form that every Kubernetes knows. */
export function tokenSecret(
  token: string,
  options: Pick<Options, 'description' | 'groups' | 'ttl' | 'usages'>,
  now = Date.now(),
): Secret {
  const [, id = '', secret = ''] = bootstrapTokenPattern.exec(token) ?? [];
  if (id === '') throw usage(`${JSON.stringify(token)} is not of the form abcdef.0123456789abcdef`);
  const ttl = options.ttl === '0' ? 0 : parseDuration(options.ttl);
  const fields: Record<string, string> = {
    'token-id': id,
    'token-secret': secret,
    ...(options.description === '' ? {} : { description: options.description }),
    ...(ttl === 0 ? {} : { expiration: new Date(now + ttl).toISOString().replace(/\.\d+Z$/, 'Z') }),
    'auth-extra-groups': options.groups.join(','),
    ...Object.fromEntries(options.usages.map((name) => [`usage-bootstrap-${name}`, 'true'])),
  };
  return {
    metadata: { name: `bootstrap-token-${id}`, namespace },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, Buffer.from(v).toString('base64')])),
  };
}

async function create(options: Options, words: readonly string[]): Promise<void> {
  const token = words[0] ?? generateBootstrapToken();
  const secret = tokenSecret(token, options);
  await withLocalClient(options, (client) => client.create(secrets, secret, { namespace }));
  const ca = await readFile(join(createPaths(options.dataDir).server.tls, 'server-ca.crt'), 'utf8');
  process.stdout.write(`K10${caHash(ca)}::${token}\n`);
}

async function list(options: Options): Promise<void> {
  const { items } = await withLocalClient(options, (client) =>
    client.list(secrets, { namespace, fieldSelector: 'type=bootstrap.kubernetes.io/token' }),
  );
  if (options.output === 'json') {
    process.stdout.write(
      `${JSON.stringify(items.map((secret) => ({ id: field(secret, 'token-id'), description: field(secret, 'description'), expires: field(secret, 'expiration') || null, usages: usagesOf(secret) })))}\n`,
    );
    return;
  }
  const rows = [
    ['TOKEN', 'EXPIRES', 'USAGES', 'DESCRIPTION'],
    ...items.map((secret) => [
      `${field(secret, 'token-id')}.<hidden>`,
      field(secret, 'expiration') || '<never>',
      usagesOf(secret).join(','),
      field(secret, 'description'),
    ]),
  ];
  process.stdout.write(
    rows.map((row) => `${row.map((cell, i) => cell.padEnd([26, 24, 26, 0][i] ?? 0)).join('')}\n`).join(''),
  );
}

const usagesOf = (secret: Secret): string[] =>
  Object.keys(secret.data ?? {})
    .filter((name) => name.startsWith('usage-bootstrap-') && field(secret, name) === 'true')
    .map((name) => name.slice('usage-bootstrap-'.length));

async function remove(options: Options, words: readonly string[]): Promise<void> {
  if (words.length === 0) throw usage('knarr token delete needs the id of a token');
  for (const word of words) {
    const id = word.split('.')[0] ?? '';
    await withLocalClient(options, (client) => client.delete(secrets, `bootstrap-token-${id}`, { namespace }));
    process.stdout.write(`bootstrap token ${JSON.stringify(id)} deleted\n`);
  }
}

const actions: Readonly<Record<string, (options: Options, words: readonly string[]) => Promise<void>>> = {
  create,
  list,
  delete: remove,
  async generate() {
    process.stdout.write(`${generateBootstrapToken()}\n`);
  },
  async rotate() {
    throw usage('knarr token rotate is not supported yet: give the server another --token and start it again');
  },
};

export async function run(args: readonly string[]): Promise<number> {
  const { flags: given, words, help } = parseArguments(args, flags);
  const [name, ...rest] = words;
  const action = name === undefined ? undefined : actions[name];
  if (help || action === undefined) {
    process.stdout.write(
      `USAGE:\n   knarr token ${Object.keys(actions).join('|')} [options] [token]\n\n${flagHelp(flags)}`,
    );
    return help ? 0 : 1;
  }
  const one = (flag: string): string =>
    given.get(flag)?.at(-1) ?? (flags.find((f) => f.name === flag) as { default?: string }).default ?? '';
  const many = (flag: string): string[] => (given.get(flag) ?? [one(flag)]).flatMap((text) => text.split(','));
  await action(
    {
      dataDir: one('data-dir'),
      kubeconfig: given.get('kubeconfig')?.at(-1),
      description: one('description'),
      groups: many('groups'),
      ttl: one('ttl'),
      usages: many('usages'),
      output: one('output'),
    },
    rest,
  );
  return 0;
}
