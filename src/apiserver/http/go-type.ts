/** How messages name upstream's inner types: the package of a group. */
export const goPackage = (group: string): string =>
  group === '' || group === 'events.k8s.io' ? 'core' : (group.split('.')[0] ?? '');
