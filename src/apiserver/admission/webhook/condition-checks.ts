import type { MutatingWebhookConfiguration } from '../../../api/gen/admissionregistration-v1.ts';
import { isQualifiedName } from '../../../api/names.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { admissionEnvironment } from '../../cel/admission-environment.ts';
import { expressionProblem } from '../../cel/expression.ts';
import { boolType } from '../../cel/types.ts';
import type { Strategy } from '../../registry/types.ts';

const most = 64;

type Webhooks = MutatingWebhookConfiguration['webhooks'];

/** What is wrong with the match conditions of webhooks; expressions in `kept` are taken as they are. */
export function matchConditionProblems(webhooks: Webhooks, kept: ReadonlySet<string> = new Set()): Problems {
  const p = new Problems();
  for (const [i, webhook] of (webhooks ?? []).entries()) {
    const conditions = webhook.matchConditions ?? [];
    const path = `webhooks[${i}].matchConditions`;
    if (conditions.length > most) p.tooMany(path, conditions.length, most);
    const names = new Set<string>();
    for (const [j, { name, expression }] of conditions.entries()) {
      const at = `${path}[${j}]`;
      const text = expression?.trim() ?? '';
      if (text === '') p.required(`${at}.expression`);
      else if (!kept.has(expression)) {
        const problem = expressionProblem(text, {
          environment: admissionEnvironment({ authorizer: true }),
          returns: [boolType],
        });
        if (problem !== undefined) p.invalid(`${at}.expression`, text, problem);
      }
      if (!name) p.required(`${at}.name`);
      else {
        p.all(`${at}.name`, name, isQualifiedName(name));
        if (names.has(name)) p.duplicate(`${at}.name`, name);
        names.add(name);
      }
    }
  }
  return p;
}

/** Match conditions have to compile when they come; what is stored already stays allowed. */
export const matchConditionChecks: Pick<Strategy, 'validate' | 'validateUpdate'> = {
  validate: (object) => matchConditionProblems(object.webhooks as Webhooks).causes,
  validateUpdate(object, old) {
    const before = ((old.webhooks ?? []) as NonNullable<Webhooks>).flatMap((hook) => hook.matchConditions ?? []);
    const kept = new Set(before.map(({ expression }) => expression));
    return matchConditionProblems(object.webhooks as Webhooks, kept).causes;
  },
};
