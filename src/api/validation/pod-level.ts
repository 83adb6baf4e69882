import type { PodSpec } from '../gen/core-v1.ts';
import { podResources } from '../pod-resources.ts';
import { compareQuantities, formatQuantity, type Quantity } from '../quantity.ts';
import type { Problems } from './problems.ts';
import { isHugePage, validateRequirements, validateResourceName } from './resources.ts';

/** What a pod as a whole may use. Upstream: `validatePodResources`. */

function validateName(p: Problems, path: string, name: string): void {
  if (!validateResourceName(p, path, name)) return;
  if (name === 'cpu' || name === 'memory' || isHugePage(name)) return;
  p.unsupported(path, name, ['cpu', 'hugepages-', 'memory']);
}

export function validatePodResources(p: Problems, path: string, spec: PodSpec, claims: ReadonlySet<string>): void {
  const { resources } = spec;
  if (!resources) return;
  if (spec.os?.name === 'windows') {
    p.forbidden(path, 'may not be set for a windows pod');
    return;
  }
  if (resources.claims) p.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level');
  validateRequirements(p, path, resources, claims, validateName);
  validateSums(p, path, spec);
}

/** It is not less than what its containers have together. */
function validateSums(p: Problems, path: string, spec: PodSpec): void {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const { resources: _, ...bare } = spec;
  const atLeast = (field: 'limits' | 'requests', name: string, own: string | undefined, sum: Quantity): void => {
    if (own === undefined || compareQuantities(sum, own) <= 0) return;
    const why = `must be greater than or equal to aggregate container ${field} of ${formatQuantity(sum)}`;
    p.invalid(`${path}.${field}[${name}]`, own, why);
  };
  for (const [name, sum] of Object.entries(podResources(bare, 'requests'))) {
    atLeast('requests', name, requests[name], sum);
  }
  for (const [name, sum] of Object.entries(podResources(bare, 'limits'))) {
    if (isHugePage(name)) atLeast('limits', name, limits[name], sum);
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const most = limits[name];
      if (most === undefined || compareQuantities(limit, most) <= 0) continue;
      const why = `must be less than or equal to pod limits of ${most}`;
      p.invalid(`${path}.containers[${i}][${name}].limits`, limit, why);
    }
  }
}
