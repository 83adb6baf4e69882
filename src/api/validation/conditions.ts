import type { Condition } from '../gen/meta-v1.ts';
import { isConditionReason } from '../names.ts';
import { validateLabelName } from './metadata.ts';
import type { Problems } from './problems.ts';

const statuses = ['False', 'True', 'Unknown'];
const longestReason = 1024;
const longestMessage = 32 * 1024;

/** Conditions of the common form, each type once. Upstream: `apimachinery/pkg/apis/meta/v1/validation`. */
export function validateConditions(p: Problems, path: string, conditions: readonly Condition[] = []): void {
  const types = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    const at = `${path}[${i}]`;
    const { type = '', reason = '', message = '', status = '' } = condition;
    if (types.has(type)) p.duplicate(`${at}.type`, type);
    types.add(type);
    validateLabelName(p, `${at}.type`, type);
    if (!statuses.includes(status)) p.unsupported(`${at}.status`, status, statuses);
    const seen = condition.observedGeneration ?? 0;
    if (seen < 0) p.invalid(`${at}.observedGeneration`, seen, 'must be greater than or equal to zero');
    if (!condition.lastTransitionTime) p.required(`${at}.lastTransitionTime`);
    if (reason === '') p.required(`${at}.reason`);
    else {
      p.all(`${at}.reason`, reason, isConditionReason(reason));
      if (reason.length > longestReason) p.tooLong(`${at}.reason`, longestReason);
    }
    if (Buffer.byteLength(message) > longestMessage) p.tooLong(`${at}.message`, longestMessage);
  }
}
