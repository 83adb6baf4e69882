import type { MutatingWebhookConfiguration } from '../../../api/gen/admissionregistration-v1.ts';
import { isQualifiedName } from '../../../api/names.ts';
import { Problems } from '../../../api/validation/problems.ts';
import { newEnvironment } from '../../cel/environment.ts';
import { expressionProblem } from '../../cel/expression.ts';
import { admissionVariables } from '../../cel/match-conditions.ts';
import type { Strategy } from '../../registry/types.ts';

const most = 64;

type Webhooks = MutatingWebhookConfiguration['webhooks'];

function environment(): ReturnType<typeof newEnvironment> {
  const made = newEnvironment();
  for (const name of admissionVariables)
    made.registerVariable(name, name === 'authorizer' ? 'kubernetes.authorization.Authorizer' : 'dyn');
  return made;
}

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
        const problem = expressionProblem(text, { environment: environment(), returns: ['bool'] });
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
