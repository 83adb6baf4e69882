import { readFile, rm, symlink } from 'node:fs/promises';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError, systemCode } from '../base/errors.ts';
import { formatToken, generatePassword, parseToken, sameSecret } from '../pki/token.ts';
import type { Secret, ServerConfig } from './config.ts';

/** The passwords by which others join. */
export interface ServerSecrets {
  /** For servers, and for agents where they have none of their own. */
  readonly server: string;
  /** For agents alone. */
  readonly agent: string;
}

async function optional(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What the user gave, read from its file where it is one. */
export async function readSecret(secret: Secret, flag: string): Promise<string | undefined> {
  if (secret.value !== undefined) return secret.value;
  if (secret.file === undefined) return undefined;
  const text = await optional(secret.file);
  if (text !== undefined) return text;
  throw new KnarrError({
    code: 'no-token',
    blame: 'user',
    message: `--${flag}: ${secret.file} is not there or empty`,
  });
}

const passwordOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : parseToken(text).password;

/**
 * The cluster's secrets: as given, else as written by an earlier start, else new. Writes `token`, `node-token` and
 * `agent-token` as the CA makes them whole.
 */
export async function ensureServerSecrets(config: ServerConfig, caPem: string): Promise<ServerSecrets> {
  const { server: paths } = config.paths;
  const server =
    passwordOf(await readSecret(config.token, 'token')) ??
    passwordOf(await optional(paths.token)) ??
    generatePassword();
  const givenAgent = passwordOf(await readSecret(config.agentToken, 'agent-token'));
  const agent = givenAgent ?? server;

  const token = `${formatToken(caPem, 'server', server)}\n`;
  if ((await optional(paths.token)) !== token.trim()) await writeFileAtomic(paths.token, token, { mode: 0o600 });
  await symlink(paths.token, paths.nodeToken).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
  if (givenAgent === undefined) await rm(paths.agentToken, { force: true });
  else await writeFileAtomic(paths.agentToken, `${formatToken(caPem, 'node', agent)}\n`, { mode: 0o600 });
  return { server, agent };
}

/** Whether `password` lets this user of the join protocol in; bootstrap tokens are looked up elsewhere. */
export const knowsPassword = (secrets: ServerSecrets, user: string, password: string): boolean => {
  if (user === 'server') return sameSecret(password, secrets.server);
  if (user === 'node') return sameSecret(password, secrets.agent) || sameSecret(password, secrets.server);
  return false;
};
