import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { KnarrError, systemCode } from '../base/errors.ts';
import { createAuthority, issueLeaf, type KeyPair } from './certificate.ts';
import type { LeafRow } from './cluster-certificates.ts';
import { generateKey, keyFromPem, keyToPem } from './keys.ts';

/** Leaves are renewed when less than this is left of their year. */
export const renewBeforeDays = 120;

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `<folder>/<name>.crt` and `.key`, or undefined when either is missing. */
export async function readKeyPair(folder: string, name: string): Promise<KeyPair | undefined> {
  const [certificate, key] = await Promise.all([
    readOptional(join(folder, `${name}.crt`)),
    readOptional(join(folder, `${name}.key`)),
  ]);
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return { certificate, key: keyFromPem(key) };
  } catch (cause) {
    throw new KnarrError({
      code: 'damaged-certificate',
      blame: 'user',
      message: `${join(folder, `${name}.key`)} is not a private key; restore it, or remove it to have a new one made`,
      cause,
    });
  }
}

export async function writeKeyPair(folder: string, name: string, pair: KeyPair): Promise<void> {
  await writeFileAtomic(join(folder, `${name}.key`), keyToPem(pair.key), { mode: 0o600 });
  await writeFileAtomic(join(folder, `${name}.crt`), pair.certificate, { mode: 0o644 });
}

/** The authority of that name, made on first use (as `knarr-<name>@<seconds>`); an own one put there is kept. */
export async function ensureAuthority(folder: string, name: string, now = new Date()): Promise<KeyPair> {
  const present = await readKeyPair(folder, name);
  if (present !== undefined) return present;
  const made = await createAuthority(`knarr-${name}@${Math.floor(now.getTime() / 1000)}`, now);
  await writeKeyPair(folder, name, made);
  return made;
}

/** Why a leaf must be made anew, or undefined while it is good. */
export function renewalReason(options: {
  certificate: string;
  issuer: Pick<KeyPair, 'certificate'>;
  alternativeNames?: readonly string[];
  now?: Date;
}): string | undefined {
  const { issuer, alternativeNames = [], now = new Date() } = options;
  const leaf = new X509Certificate(options.certificate);
  const authority = new X509Certificate(issuer.certificate);
  if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) return 'its authority has changed';
  if (new Date(leaf.validTo).getTime() - now.getTime() < renewBeforeDays * 86_400_000) return `it ends ${leaf.validTo}`;
  const missing = alternativeNames.filter(
    (name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) === undefined,
  );
  return missing.length === 0 ? undefined : `it lacks ${missing.join(', ')}`;
}

/**
 * The leaf of `row` in `folder`: kept while it is good, made (with a new key) or renewed (with its key) otherwise.
 * The chain that is written is the leaf followed by its authority.
 */
export async function ensureLeaf(options: {
  folder: string;
  row: LeafRow;
  issuer: KeyPair;
  alternativeNames?: readonly string[];
  now?: Date;
}): Promise<{ pair: KeyPair; renewed?: string }> {
  const { folder, row, issuer, alternativeNames = [], now = new Date() } = options;
  const present = await readKeyPair(folder, row.name);
  const reason =
    present === undefined
      ? 'it was not there'
      : renewalReason({ certificate: present.certificate, issuer, alternativeNames, now });
  if (present !== undefined && reason === undefined) return { pair: present };
  const key = present?.key ?? (await generateKey());
  const names = [...new Set([...alternativeNames, ...(present === undefined ? [] : namesOf(present.certificate))])];
  const leaf = issueLeaf({
    issuer,
    publicKey: key,
    subject: row.subject,
    usages: row.usages,
    alternativeNames: names,
    now,
  });
  const pair = { certificate: leaf + issuer.certificate, key };
  await writeKeyPair(folder, row.name, pair);
  return { pair, renewed: reason ?? '' };
}

/** DNS names and addresses that a certificate is for. */
export function namesOf(certificate: string): string[] {
  const text = new X509Certificate(certificate).subjectAltName ?? '';
  return text
    .split(', ')
    .filter((entry) => /^(DNS|IP Address):/.test(entry))
    .map((entry) => entry.replace(/^(DNS|IP Address):/, ''));
}
