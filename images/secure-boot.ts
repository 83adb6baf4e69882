import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KnarrError, messageOf } from '../src/base/errors.ts';
import { runInTools } from './tools/chroot.ts';
import { build } from './tools/paths.ts';

/** The user's key and certificate (PEM) that their machines' firmware trusts. */
export interface SecureBootKeys {
  key: string;
  certificate: string;
  /** Of the certificate: what is signed by another is another file. */
  digest: string;
}

/** Reads the options `--secure-boot-key` and `--secure-boot-cert`: both or none. */
export async function secureBootKeys(
  key: string | undefined,
  certificate: string | undefined,
): Promise<SecureBootKeys | undefined> {
  if (key === undefined && certificate === undefined) return undefined;
  const fail = (message: string): never => {
    throw new KnarrError({ code: 'usage', blame: 'user', message });
  };
  if (key === undefined || certificate === undefined)
    return fail('--secure-boot-key and --secure-boot-cert go together: a PEM key and its PEM certificate');
  const read = async (option: string, path: string, mark: RegExp): Promise<string> => {
    const text = await readFile(path, 'utf8').catch((error: unknown) => fail(`--${option}: ${messageOf(error)}`));
    return mark.test(text) ? text : fail(`--${option}: ${path} is not in PEM form`);
  };
  await read('secure-boot-key', key, /-----BEGIN (RSA |EC )?PRIVATE KEY-----/);
  const text = await read('secure-boot-cert', certificate, /-----BEGIN CERTIFICATE-----/);
  return { key, certificate, digest: createHash('sha256').update(text).digest('hex') };
}

/** Signs an EFI program in place. The key is read in the build folder only while sbsign runs. */
export async function signEfi(program: string, keys: SecureBootKeys): Promise<void> {
  const folder = await mkdtemp(join(build, 'secure-boot-'));
  try {
    await copyFile(keys.key, join(folder, 'key'));
    await copyFile(keys.certificate, join(folder, 'cert'));
    const signed = `${program}.signed`;
    await runInTools('sbsign', [
      '--key',
      join(folder, 'key'),
      '--cert',
      join(folder, 'cert'),
      '--output',
      signed,
      program,
    ]);
    await rename(signed, program);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Whoever enrols a key says who they are; nobody reads it. */
const owner = '6b6e6172-7200-4000-8000-000000000001';

/** Firmware variables, `path` (in the build folder), by which OVMF trusts this certificate (PEM, there too) and no other. */
export async function enrolledVariables(certificate: string, path: string): Promise<string> {
  await runInTools('virt-fw-vars', [
    ...['--input', '/usr/share/OVMF/OVMF_VARS_4M.fd', '--output', path],
    ...['--enroll-cert', certificate, '--no-microsoft', '--add-db', owner, certificate, '--sb'],
  ]);
  return path;
}
