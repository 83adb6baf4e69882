import { KnarrError } from '../base/errors.ts';

export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/** One PEM block with lines of 64 characters and a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g) ?? [''];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** All blocks of a PEM text in order; text between them is ignored, as everywhere. */
export function decodePem(text: string): PemBlock[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)].map(([, label, body]) => ({
    label: label ?? '',
    der: Buffer.from((body ?? '').replace(/\s+/g, ''), 'base64'),
  }));
}

/** The first block with one of the labels; throws KnarrError `malformed-pem` when there is none. */
export function firstPem(text: string, ...labels: string[]): PemBlock {
  const block = decodePem(text).find((b) => labels.includes(b.label));
  if (block === undefined)
    throw new KnarrError({ code: 'malformed-pem', blame: 'user', message: `no PEM block "${labels.join('" or "')}"` });
  return block;
}

/** The certificates of a PEM bundle, each as a PEM text of its own. */
export const splitCertificates = (text: string): string[] =>
  decodePem(text)
    .filter((b) => b.label === 'CERTIFICATE')
    .map((b) => encodePem(b.label, b.der));
