/** By which names quotas limit what. Upstream: `pkg/quota/v1/evaluator`. */

/** How a quota names the number of objects of a resource. */
export const objectCountName = (group: string, resource: string): string =>
  group === '' ? `count/${resource}` : `count/${resource}.${group}`;

/** Resources of the core group of which nothing but the number counts, and that has a name of its own too. */
export const plainCounts: ReadonlySet<string> = new Set([
  'configmaps',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
]);

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
export const deviceClassPrefix = 'deviceclass.resource.kubernetes.io/';
export const deviceClassSuffix = '.deviceclass.resource.k8s.io/devices';
export const storageClassSuffix = '.storageclass.storage.k8s.io/';

/** Of a vendor, not of Kubernetes. */
const isForeign = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/');

export const isExtended = (name: string): boolean =>
  (isForeign(name) && !name.startsWith('requests.')) || name.startsWith(deviceClassPrefix);

const isExtendedBound = (name: string): boolean =>
  name.startsWith('requests.') && (isForeign(name) || name.startsWith(`requests.${deviceClassPrefix}`));

const podNames = new Set([
  'count/pods',
  'pods',
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
const claimNames = ['persistentvolumeclaims', 'requests.storage'];
const serviceNames = new Set(['count/services', 'services', 'services.nodeports', 'services.loadbalancers']);

const ofPods = (name: string): boolean =>
  podNames.has(name) || isHugePages(name.replace(/^requests\./, '')) || isExtendedBound(name);

const ofClaims = (name: string): boolean =>
  name === 'count/persistentvolumeclaims' ||
  claimNames.some((own) => name === own || name.endsWith(`${storageClassSuffix}${own}`));

/** Device classes, with the resource that each stands for. */
type Classes = ReadonlyMap<string, string | undefined>;

/** Whether pods get devices by asking for a resource of this name. */
const isOfClass = (name: string, classes: Classes): boolean =>
  name.startsWith(deviceClassPrefix)
    ? classes.has(name.slice(deviceClassPrefix.length))
    : [...classes.values()].includes(name);

const ofDeviceClaims = (name: string, classes: Classes): boolean =>
  name === 'count/resourceclaims.resource.k8s.io' ||
  name.endsWith(deviceClassSuffix) ||
  (isExtendedBound(name) && isOfClass(name.slice('requests.'.length), classes));

const bounds: Readonly<Record<string, (name: string, classes: Classes) => boolean>> = {
  '/pods': ofPods,
  '/persistentvolumeclaims': ofClaims,
  '/services': (name) => serviceNames.has(name),
  'resource.k8s.io/resourceclaims': ofDeviceClaims,
};

/** Resources of which quotas limit more than the number. */
export const measured: readonly string[] = Object.keys(bounds);

/** Whether a name limits what objects of a resource use. */
export function isBoundOf(group: string, resource: string, name: string, classes: Classes = new Map()): boolean {
  const found = bounds[`${group}/${resource}`];
  if (found) return found(name, classes);
  return name === objectCountName(group, resource) || (group === '' && plainCounts.has(resource) && name === resource);
}
