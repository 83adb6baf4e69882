import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Applier, PhaseName } from '../applier.ts';
import type { Host } from '../host.ts';
import { fetchHttp, type Http, needed } from '../sources/http.ts';

const remote = /^github:([A-Za-z0-9-]+)$/;
const kept = (user: string): string => `/var/lib/knarr/ssh-keys/github-${user}`;

/** Keys that somebody shows on GitHub; each boot begins with those of the last one. */
async function keysOf(user: string, host: Host, http: Http, phase: PhaseName): Promise<string[]> {
  const lines = (text: string): string[] => text.split('\n').filter((line) => /^(ssh|ecdsa|sk)-/.test(line));
  const before = lines(await readFile(host.path(kept(user)), 'utf8').catch(() => ''));
  if (phase !== 'runtime') return before;
  try {
    const keys = lines((await needed(http, `https://github.com/${user}.keys`, { timeoutMs: 10_000 })).toString());
    await writeFileAtomic(host.path(kept(user)), keys.map((key) => `${key}\n`).join(''));
    return keys;
  } catch (error) {
    throw new KnarrError({
      code: 'ssh-keys',
      blame: 'world',
      message: `github:${user}: ${messageOf(error)}${before.length > 0 ? '; the keys of the last time count' : '; nobody can log in by them'}`,
      details: { keys: before },
    });
  }
}

/** Whether a configuration names keys that must be fetched. */
export const namesRemoteKeys = (keys: readonly string[]): boolean => keys.some((key) => remote.test(key));

/** `ssh_authorized_keys`: who may log in as rancher, and as the other users. */
export const createSshKeys = (http: Http): Applier => ({
  key: 'ssh_authorized_keys',
  phases: ['boot', 'runtime'],
  async apply(config, host, phase = 'boot') {
    const failures: string[] = [];
    const people = [{ name: 'rancher', ssh_authorized_keys: config.ssh_authorized_keys }, ...(config.users ?? [])];
    for (const { name, ssh_authorized_keys: given = [] } of people) {
      const keys: string[] = [];
      for (const key of given) {
        const user = remote.exec(key)?.[1];
        if (user !== undefined)
          await keysOf(user, host, http, phase).then(
            (found) => keys.push(...found),
            (error: KnarrError) => {
              keys.push(...((error.details.keys ?? []) as string[]));
              failures.push(messageOf(error));
            },
          );
        else if (/^\w+:/.test(key)) failures.push(`${key}: keys are fetched from github: alone`);
        else keys.push(key);
      }
      const file = host.path(`/run/knarr/ssh/${name}`);
      if (keys.length > 0) await writeFileAtomic(file, `${keys.join('\n')}\n`);
      else await rm(file, { force: true });
    }
    if (failures.length > 0) throw new KnarrError({ code: 'ssh-keys', blame: 'world', message: failures.join('; ') });
  },
});

export const sshKeys = createSshKeys(fetchHttp);
