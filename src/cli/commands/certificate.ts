import { X509Certificate } from 'node:crypto';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError, systemCode } from '../../base/errors.ts';
import { createPaths, defaultDataDir } from '../../daemon/paths.ts';
import { renewBeforeDays } from '../../pki/certificate-store.ts';
import { nodeLeaves, serverLeaves } from '../../pki/cluster-certificates.ts';
import { parseArguments } from '../arguments.ts';
import { flagHelp } from '../help.ts';

const rows = [...serverLeaves, ...nodeLeaves('node')];
const services = [...new Set(rows.map((row) => row.service))];

const flags = [
  { name: 'data-dir', aliases: ['d'], type: 'string', usage: 'Folder that holds state', default: defaultDataDir() },
  { name: 'output', aliases: ['o'], type: 'string', usage: 'table or json', default: 'table' },
  { name: 'service', aliases: ['s'], type: 'list', usage: `Whose certificates: ${services.join(', ')}` },
] as const;

interface Found {
  file: string;
  subject: string;
  expires: string;
  days: number;
  status: 'OK' | 'WARNING' | 'EXPIRED';
}

async function certificatesOf(folder: string): Promise<Found[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const found: Found[] = [];
  for (const name of names.filter((n) => n.endsWith('.crt')).sort()) {
    const certificate = new X509Certificate(await readFile(join(folder, name)));
    const days = Math.floor((new Date(certificate.validTo).getTime() - Date.now()) / 86_400_000);
    found.push({
      file: join(folder, name),
      subject: certificate.subject.replaceAll('\n', ','),
      expires: new Date(certificate.validTo).toISOString(),
      days,
      status: days < 0 ? 'EXPIRED' : days < renewBeforeDays ? 'WARNING' : 'OK',
    });
  }
  return found;
}

async function check(folders: readonly string[], output: string): Promise<number> {
  const found = (await Promise.all(folders.map(certificatesOf))).flat();
  if (output === 'json') process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else
    for (const { status, days, file, subject } of found)
      process.stdout.write(`${status.padEnd(8)} ${`${days}d`.padStart(6)}  ${file}  ${subject}\n`);
  return found.some(({ status }) => status === 'EXPIRED') ? 1 : 0;
}

/** Puts leaves aside: the next start makes them anew. */
async function rotate(folders: readonly string[], wanted: readonly string[]): Promise<number> {
  const unknown = wanted.find((service) => !services.includes(service));
  if (unknown !== undefined)
    throw new KnarrError({
      code: 'usage',
      blame: 'user',
      message: `--service: ${unknown} is not one of ${services.join(', ')}`,
    });
  const names = new Set(
    rows.filter((row) => wanted.length === 0 || wanted.includes(row.service)).map((row) => row.name),
  );
  let count = 0;
  for (const folder of folders)
    for (const name of names)
      for (const ending of ['crt', 'key']) {
        const file = join(folder, `${name}.${ending}`);
        const moved = await rename(file, `${file}.old`).then(
          () => true,
          (error: unknown) => {
            if (systemCode(error) === 'ENOENT') return false;
            throw error;
          },
        );
        if (moved && ending === 'crt') count++;
      }
  process.stdout.write(`${count} certificates put aside; they are made anew when knarr starts\n`);
  return 0;
}

export async function run(args: readonly string[]): Promise<number> {
  const { flags: given, words, help } = parseArguments(args, flags);
  const { server, agent } = createPaths(given.get('data-dir')?.at(-1) ?? defaultDataDir());
  const folders = [server.tls, agent.root];
  if (!help && words[0] === 'check') return check(folders, given.get('output')?.at(-1) ?? 'table');
  if (!help && words[0] === 'rotate')
    return rotate(
      folders,
      (given.get('service') ?? []).flatMap((text) => text.split(',')),
    );
  if (words[0] === 'rotate-ca')
    throw new KnarrError({ code: 'usage', blame: 'user', message: 'knarr certificate rotate-ca is not supported yet' });
  process.stdout.write(`USAGE:\n   knarr certificate check|rotate [options]\n\n${flagHelp(flags)}`);
  return help ? 0 : 1;
}
