import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validatingPolicyChecks } from './expression-checks.ts';

/** The fields of a policy's variables that are wrong, and the first line of what is said. */
function problems(variables: readonly object[]): string[] {
  const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy' };
  const object = { ...policy, metadata: { name: 'p' }, spec: { variables } };
  const causes = validatingPolicyChecks.validate?.(object, {} as never) ?? [];
  return causes.map(({ field, message }) => `${field}: ${message?.split('\n')[0] ?? ''}`);
}

test('a variable may name those before it alone, and `variables` is a name even of the first', () => {
  const undefinedField = (name: string): string =>
    `Invalid value: "variables.${name}": compilation failed: ERROR: <input>:1:10: undefined field '${name}'`;
  assert.deepEqual(
    problems([
      { name: 'a', expression: 'variables.b' },
      { name: 'b', expression: 'variables.a == 1' },
      { name: 'for', expression: '1' },
      { name: 'd', expression: ' ' },
      { name: 'e', expression: 'variables.d' },
    ]),
    [
      `spec.variables[0].expression: ${undefinedField('b')}`,
      'spec.variables[2].name: Invalid value: "for": must be a valid CEL identifier',
      'spec.variables[3].expression: Required value: expression is not specified',
      `spec.variables[4].expression: ${undefinedField('d')}`,
    ],
  );
});
