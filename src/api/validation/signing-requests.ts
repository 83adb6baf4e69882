import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../gen/certificates-v1.ts';
import type { Problems } from './problems.ts';

const decisions = ['Approved', 'Denied'];
/** What is so or is not told at all; nobody takes it back. */
const final = [...decisions, 'Failed'];
const statuses = ['False', 'True', 'Unknown'];
const path = 'status.conditions';

type Conditions = readonly CertificateSigningRequestCondition[];

const conditionsOf = ({ status }: CertificateSigningRequest): Conditions => status?.conditions ?? [];

const countOf = (conditions: Conditions, type: string): number => conditions.filter((c) => c.type === type).length;

const isTwice = (conditions: Conditions): boolean => conditions.some(({ type }) => countOf(conditions, type) > 1);

const isUndecided = (conditions: Conditions): boolean => !decisions.every((type) => countOf(conditions, type) > 0);

/** What was wrong before may stay. */
function validateConditions(p: Problems, conditions: Conditions, old: Conditions): void {
  const unnamed = old.some(({ type }) => type === '');
  const seen = new Set<string>();
  for (const [i, { type = '', status = '' }] of conditions.entries()) {
    if (type === '' && !unnamed) p.required(`${path}[${i}].type`);
    p.oneOf(`${path}[${i}].status`, status, final.includes(type) ? ['True'] : statuses);
    const other = decisions.find((one) => one !== type);
    if (decisions.includes(type) && other && seen.has(other) && isUndecided(old))
      p.invalid(path, type, 'Approved and Denied conditions are mutually exclusive');
    if (seen.has(type) && !isTwice(old)) p.duplicate(`${path}[${i}].type`, type);
    seen.add(type);
  }
  for (const type of final)
    if (countOf(conditions, type) < countOf(old, type))
      p.forbidden(path, `updates may not remove a condition of type "${type}"`);
}

const blocks = /-----BEGIN ([^\n-]*)-----\r?\n([\s\S]*?)-----END \1-----/g;

function certificateProblem(text: string): string | undefined {
  const found = [...text.matchAll(blocks)];
  if (found.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const [block, type = '', content = ''] of found) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (/^[^\n]*:/m.test(content)) return 'no PEM block headers are permitted';
    try {
      new X509Certificate(block);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return undefined;
}

/** By way of `status` comes the certificate, once. */
export function validateRequestStatus(
  p: Problems,
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): void {
  validateConditions(p, conditionsOf(request), conditionsOf(old));
  const [now, before] = [request.status?.certificate ?? '', old.status?.certificate ?? ''];
  const wrong = now === '' || now === before ? undefined : certificateProblem(Buffer.from(now, 'base64').toString());
  if (wrong) p.invalid('status.certificate', '<certificate data>', wrong);
  for (const type of decisions)
    if (countOf(conditionsOf(request), type) > countOf(conditionsOf(old), type))
      p.forbidden(path, `updates may not add a condition of type "${type}"`);
  if (now !== before && before !== '')
    p.forbidden('status.certificate', 'updates may not modify existing certificate content');
}

/** By way of `approval` comes the decision. */
export const validateApproval = (
  p: Problems,
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): void => validateConditions(p, conditionsOf(request), conditionsOf(old));
