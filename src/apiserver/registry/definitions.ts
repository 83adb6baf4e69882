import { decodeValue } from '../../api/decode.ts';
import { applyDefaults } from '../../api/defaults.ts';
import {
  type DiscoveredGroup,
  type DiscoveredKind,
  type DiscoveredResource,
  discoveryFacts,
} from '../../api/discovery-facts.ts';
import type { GroupVersionKind } from '../../api/schema.ts';
import { validateCreate, validateUpdate } from '../../api/validate.ts';
import { statusWarnings } from '../../api/warnings/status.ts';
import { deprecationWarnings } from '../../api/warnings/warnings.ts';
import { type Behaviour, type BehaviourOptions, behaviours } from './strategies/map.ts';
import type { Draft, ResourceDefinition, ResourceVersion, SubresourceDefinition } from './types.ts';

/** Resources that keep nothing: reviews and the like; other parts of the server answer for them. */
const stored = (resource: DiscoveredResource): boolean => resource.verbs.includes('watch');

/** Which version is written where there are several. */
const storageVersions: Readonly<Record<string, string>> = { 'horizontalpodautoscalers.autoscaling': 'v2' };

/** All built-in resources that are stored, from the facts of discovery and the map of strategies. */
export function builtinDefinitions(options: BehaviourOptions = {}): ResourceDefinition[] {
  const byName = behaviours(options);
  return discoveryFacts().flatMap((group) => groupDefinitions(group, byName));
}

type ByName = Readonly<Record<string, Behaviour>>;

function groupDefinitions({ metadata, versions }: DiscoveredGroup, byName: ByName): ResourceDefinition[] {
  const group = metadata.name ?? '';
  const definitions = new Map<string, ResourceDefinition>();
  for (const { version, resources } of versions) {
    for (const resource of resources.filter(stored)) {
      const known = definitions.get(resource.resource);
      const served = builtinVersion({ group, version, kind: resource.responseKind.kind }, resource.scope);
      definitions.set(
        resource.resource,
        known
          ? { ...known, versions: [...known.versions, served] }
          : definitionOf(group, version, resource, served, byName),
      );
    }
  }
  return [...definitions.values()];
}

function definitionOf(
  group: string,
  version: string,
  resource: DiscoveredResource,
  served: ResourceVersion,
  byName: ByName,
): ResourceDefinition {
  const name = group === '' ? resource.resource : `${resource.resource}.${group}`;
  const { strategy = {}, selectableFields = {}, ...rest } = byName[name] ?? {};
  const subresources = (resource.subresources ?? []).map((s) => subresourceOf(group, version, s));
  const status = subresources.some((s) => s.name === 'status');
  return {
    group,
    resource: resource.resource,
    singular: resource.singularResource,
    kind: resource.responseKind.kind,
    listKind: `${resource.responseKind.kind}List`,
    namespaced: resource.scope === 'Namespaced',
    shortNames: resource.shortNames ?? [],
    categories: resource.categories ?? [],
    verbs: resource.verbs,
    subresources,
    versions: [served],
    storageVersion: storageVersions[name] ?? version,
    strategy: { status, ...strategy },
    selectableFields,
    ...rest,
  };
}

function subresourceOf(
  group: string,
  version: string,
  { subresource, responseKind, verbs }: { subresource: string; responseKind: DiscoveredKind; verbs: string[] },
): SubresourceDefinition {
  // Discovery leaves out the group and version where they are the resource's own.
  const own = !responseKind.version;
  const kind = own
    ? { group, version, kind: responseKind.kind }
    : { group: responseKind.group ?? '', version: responseKind.version ?? version, kind: responseKind.kind };
  return { name: subresource, kind, verbs };
}

function builtinVersion(gvk: GroupVersionKind, scope: DiscoveredResource['scope']): ResourceVersion {
  const namespaced = scope === 'Namespaced';
  return {
    version: gvk.version,
    served: true,
    schema: {
      decode(object, context, merged) {
        const decoded = decodeValue(gvk, object, { fieldValidation: context.fieldValidation, merged });
        for (const text of decoded.warnings) context.warn(text);
        return decoded.object as Draft;
      },
      applyDefaults: (object) => applyDefaults(gvk, object),
      warnings: (object, old) => deprecationWarnings(gvk, object, old),
      subresourceWarnings: (object, subresource) => (subresource === 'status' ? statusWarnings(gvk, object) : []),
      validateCreate: (object) => validateCreate(gvk, object, { namespaced }),
      validateUpdate: (object, old, subresource = '') => validateUpdate(gvk, object, old, { namespaced, subresource }),
    },
  };
}
