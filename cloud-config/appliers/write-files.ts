import { chown, readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';
import type { Host } from '../host.ts';
import type { WriteFile } from '../schema.ts';

const wrong = (message: string): KnarrError => new KnarrError({ code: 'write-files', blame: 'user', message });
const unzip = promisify(gunzip);

/** A file's bytes, by its encoding: `b64`, `gz`, `b64+gz` and their longer names. */
export async function decodeContent(content: string, encoding = ''): Promise<Buffer> {
  switch (encoding.toLowerCase()) {
    case '':
    case 'text/plain':
      return Buffer.from(content);
    case 'b64':
    case 'base64':
      return Buffer.from(content, 'base64');
    case 'gz':
    case 'gzip':
      return unzip(Buffer.from(content, 'latin1'));
    case 'gz+b64':
    case 'gzip+b64':
    case 'gz+base64':
    case 'gzip+base64':
    case 'b64+gz':
    case 'b64+gzip':
      return unzip(Buffer.from(content, 'base64'));
    default:
      throw wrong(`unknown encoding ${JSON.stringify(encoding)}`);
  }
}

/** Numbers of `user`, `user:group`, or of the numbers themselves. */
async function ownerOf(owner: string, host: Host): Promise<{ uid: number; gid: number }> {
  const find = async (file: string, name: string): Promise<string[]> => {
    const line = (await readFile(host.path(file), 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
    if (line === undefined) throw wrong(`${file} knows no ${JSON.stringify(name)}`);
    return line.split(':');
  };
  const [user = 'root', group] = owner.split(':');
  const passwd = /^\d+$/.test(user) ? [user, '', user, user] : await find('/etc/passwd', user);
  const gid =
    group === undefined || group === ''
      ? passwd[3]
      : /^\d+$/.test(group)
        ? group
        : (await find('/etc/group', group))[2];
  return { uid: Number(passwd[2]), gid: Number(gid) };
}

async function writeOne(file: WriteFile, host: Host): Promise<void> {
  if (!isAbsolute(file.path)) throw wrong('the path must begin with /');
  const permissions = file.permissions || '0644';
  if (!/^(0o)?[0-7]{3,4}$/.test(permissions)) throw wrong(`permissions ${JSON.stringify(permissions)} are not octal`);
  const path = host.path(file.path);
  const content = await decodeContent(file.content ?? '', file.encoding);
  // what a former boot or phase has put there counts once
  const before = file.append ? await readFile(path).catch(() => Buffer.alloc(0)) : Buffer.alloc(0);
  await writeFileAtomic(
    path,
    before.length > 0 && before.includes(content) ? before : Buffer.concat([before, content]),
    {
      mode: Number.parseInt(permissions.replace('0o', ''), 8),
    },
  );
  if (file.owner) {
    const { uid, gid } = await ownerOf(file.owner, host);
    await chown(path, uid, gid);
  }
}

/** `write_files`: each file on its own, for one that cannot be written keeps no other back. */
export const writeFiles: Applier = {
  key: 'write_files',
  phases: ['initrd', 'boot', 'runtime'],
  async apply(config, host) {
    const failures: string[] = [];
    for (const file of config.write_files ?? [])
      await writeOne(file, host).catch((error: unknown) => failures.push(`${file.path}: ${messageOf(error)}`));
    if (failures.length > 0) throw wrong(failures.join('; '));
  },
};
