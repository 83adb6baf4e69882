import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classesOf, parseDeclaration } from './make-descriptions.ts';

test('a type is looked for under its group first', () => {
  assert.deepEqual(classesOf('io.k8s.api.events.v1.Event'), ['EventsV1Event', 'V1Event']);
});

test('documentation of a class and its fields, whatever their names became', () => {
  const found = parseDeclaration(`import { V1X } from './x';
/**
* A thing.
*/
export declare class V1Thing {
    /**
    * Says \\"why\\" and \\'how\\'.
    */
    '_default'?: any;
    'bare'?: V1X;
    /**
    * Keeps what is not known.
    */
    'x_kubernetes_preserve_unknown_fields'?: boolean;
}
`);
  assert.deepEqual(Object.fromEntries(found), {
    '': 'A thing.',
    default: 'Says "why" and \'how\'.',
    xkubernetespreserveunknownfields: 'Keeps what is not known.',
  });
});
