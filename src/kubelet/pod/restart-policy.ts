import type { Container, PodSpec } from '../../api/gen/core-v1.ts';

/** Whether a container that ended with `exitCode` is to run again, by its own rules, its own policy, or the pod's. */
export function shouldRestart(container: Container, spec: PodSpec, exitCode: number, isInit: boolean): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const { operator, values = [] } = rule.exitCodes ?? { operator: '' };
    const matches = operator === 'In' ? values.includes(exitCode) : operator === 'NotIn' && !values.includes(exitCode);
    if (matches && rule.action === 'Restart') return true;
  }
  const own = container.restartPolicy;
  const policy = own ?? spec.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  if (policy === 'OnFailure') return exitCode !== 0;
  // An init container that succeeded is done even where the pod's containers run for ever; a sidecar says so itself.
  return isInit && own === undefined ? exitCode !== 0 : true;
}
