import type {
  DeviceClaim,
  DeviceClass,
  DeviceSelector,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../../../api/gen/resource-v1.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { longestSelector, selectorProblem } from '../../cel/device-environment.ts';
import type { Draft, Frozen, Strategy } from '../types.ts';

function checkSelectors(p: Problems, path: string, selectors: readonly DeviceSelector[] = []): void {
  for (const [i, { cel }] of selectors.entries()) {
    const at = `${path}[${i}].cel.expression`;
    const text = cel?.expression ?? '';
    if (!cel) continue;
    if (Buffer.byteLength(text) > longestSelector) {
      p.tooLong(at, longestSelector);
      continue;
    }
    const problem = selectorProblem(text);
    if (problem && 'invalid' in problem) p.invalid(at, text, problem.invalid);
    else if (problem) p.forbidden(at, problem.costly);
  }
}

function checkClaim(p: Problems, path: string, claim: DeviceClaim | undefined): void {
  for (const [i, { exactly, firstAvailable = [] }] of (claim?.requests ?? []).entries()) {
    const at = `${path}.requests[${i}]`;
    checkSelectors(p, `${at}.exactly.selectors`, exactly?.selectors);
    for (const [j, { selectors }] of firstAvailable.entries())
      checkSelectors(p, `${at}.firstAvailable[${j}].selectors`, selectors);
  }
}

type Checks = Pick<Strategy, 'validate' | 'validateUpdate'>;

/** Expressions are looked at when they come, and when anything of the spec changes. */
function checks(check: (p: Problems, object: object) => void): Checks {
  const problems = (object: object) => {
    const p = new Problems();
    check(p, object);
    return p.causes;
  };
  const same = (a: Draft, b: Frozen): boolean =>
    JSON.stringify((a as { spec?: unknown }).spec) === JSON.stringify((b as { spec?: unknown }).spec);
  return {
    validate: (object) => problems(object),
    validateUpdate: (object, old, { subresource }) => (subresource || same(object, old) ? [] : problems(object)),
  };
}

export const classSelectors = checks((p, object) =>
  checkSelectors(p, 'spec.selectors', (object as DeviceClass).spec?.selectors),
);
export const claimSelectors = checks((p, object) =>
  checkClaim(p, 'spec.devices', (object as ResourceClaim).spec?.devices),
);
export const templateSelectors = checks((p, object) =>
  checkClaim(p, 'spec.spec.devices', (object as ResourceClaimTemplate).spec?.spec?.devices),
);
