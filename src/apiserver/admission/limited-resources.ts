import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/gen/core-v1.ts';
import type { Amounts } from '../../api/pod-resources.ts';
import { compareQuantities, parseQuantity } from '../../api/quantity.ts';
import { scopesMet, scopesOf } from '../../api/quota/scopes.ts';
import { plainFailure } from '../../api/status.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import { type FileKind, readShaped } from '../configuration/shape.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { refuse } from './plugin.ts';

/** What may be used only where a quota covers it. */
export interface LimitedResource {
  readonly apiGroup?: string;
  readonly resource: string;
  readonly matchContains?: readonly string[];
  readonly matchScopes?: readonly ScopedResourceSelectorRequirement[];
}

const file: FileKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'ResourceQuotaConfiguration',
  versions: ['v1'],
  former: { group: 'resourcequota.admission.k8s.io', kind: 'Configuration', versions: ['v1beta1', 'v1alpha1'] },
  shape: {
    fields: {
      limitedResources: {
        list: {
          fields: {
            apiGroup: 'string',
            resource: 'string',
            matchContains: { list: 'string' },
            matchScopes: {
              list: { fields: { scopeName: 'string', operator: 'string', values: { list: 'string' } } },
            },
          },
        },
      },
    },
  },
};

function parse(text: string): LimitedResource[] {
  const given = (readShaped(text, file) as { limitedResources?: LimitedResource[] | null }).limitedResources ?? [];
  const missing = given.flatMap(({ resource }, i) =>
    resource ? [] : [`limitedResources[${i}].resource: Required value`],
  );
  if (missing.length > 0) throw new Error(missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`);
  return given;
}

/** Reads a ResourceQuotaConfiguration. Throws KnarrError with what is wrong with it. */
export function parseLimitedResources(text: string): LimitedResource[] {
  try {
    return parse(text);
  } catch (error) {
    const message = `couldn't init admission plugin "ResourceQuota": ${messageOf(error)}`;
    throw new KnarrError({ code: 'admission-config', blame: 'user', message });
  }
}

const zero = parseQuantity('0');
const shown = ({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): string =>
  `{${scopeName} ${operator} [${values.join(' ')}]}`;

/** What quotas say about a request. */
interface Cover {
  readonly quotas: readonly ResourceQuota[];
  /** The names by which they limit the object. */
  readonly bounds: ReadonlySet<string>;
  readonly usage: Amounts;
}

/** Throws where the request uses what only a quota can allow and none does. */
export function checkCovered(a: AdmissionAttributes, limited: readonly LimitedResource[], cover: Cover): void {
  const needles = limited
    .filter(({ apiGroup = '', resource }) => apiGroup === a.group && resource === a.resource)
    .flatMap(({ matchContains }) => matchContains ?? []);
  const uncovered = Object.entries(cover.usage)
    .filter(([name, amount]) => compareQuantities(amount, zero) > 0 && needles.some((part) => name.includes(part)))
    .map(([name]) => name)
    .filter((name) => !cover.bounds.has(name));
  if (uncovered.length > 0) throw refuse(a, `insufficient quota to consume: ${uncovered.sort().join(',')}`);
  const met = (scopes: readonly ScopedResourceSelectorRequirement[]): ScopedResourceSelectorRequirement[] =>
    scopesMet(scopes, a.group, a.resource, a.object);
  // Scopes are asked whatever resource they were written beside, as upstream asks them.
  const wanted = met(limited.flatMap(({ matchScopes }) => matchScopes ?? []));
  if (wanted.length === 0) return;
  const covered = new Set(met(cover.quotas.flatMap(({ spec }) => scopesOf(spec))).map(({ scopeName }) => scopeName));
  const open = wanted.filter(({ scopeName }) => !covered.has(scopeName));
  if (open.length > 0)
    throw plainFailure(500, `insufficient quota to match these scopes: [${open.map(shown).join(' ')}]`);
}
