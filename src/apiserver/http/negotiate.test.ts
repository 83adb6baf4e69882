import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate, negotiateError } from './negotiate.ts';

const form = (accept: string | undefined, options = { protobuf: true, transform: true }): string => {
  const type = negotiate(accept, options);
  return type.as === '' ? type.encoding : `${type.encoding} ${type.as}`;
};

test('no header, wildcards and lists of types', () => {
  assert.equal(form(undefined), 'json');
  assert.equal(form('*/*'), 'json');
  assert.equal(form('application/vnd.kubernetes.protobuf,application/json'), 'protobuf');
  assert.equal(form('text/html, application/yaml;q=0.5, application/json;q=0.1'), 'yaml');
});

test('what kubectl get sends becomes a table, or JSON where tables are not made', () => {
  const kubectl =
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
  assert.equal(form(kubectl), 'json Table');
  assert.equal(form(kubectl, { protobuf: true, transform: false }), 'json');
});

test('protobuf is passed over where the kind has none, but metadata has it', () => {
  const accept = 'application/vnd.kubernetes.protobuf,application/json';
  assert.equal(form(accept, { protobuf: false, transform: true }), 'json');
  const metadata = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  assert.equal(form(metadata, { protobuf: false, transform: true }), 'protobuf PartialObjectMetadata');
});

test('nothing acceptable is 406 with the list of what is', () => {
  assert.throws(() => negotiate('text/plain', { protobuf: true, transform: true }), {
    message:
      '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  });
  assert.equal(negotiateError('text/plain').encoding, 'json');
});

test('a table of what has none is 406', () => {
  const asTable = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  assert.throws(() => negotiate(asTable, { protobuf: false, transform: false }), {
    message: 'only the following media types are accepted: application/json, application/yaml',
  });
  const plain = negotiate(`${asTable},application/json`, { protobuf: false, transform: false });
  assert.equal(plain.as, '');
});
