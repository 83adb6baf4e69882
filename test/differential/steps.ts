import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as handles from '../../src/api/gen/resources.ts';
import { apiVersionOf, type KubernetesObject, type Resource, resourcePath } from '../../src/api/object.ts';
import { admissionSteps } from './admission.ts';
import { expressionSteps } from './expressions.ts';
import { mutationsOf } from './mutations.ts';
import { numberSteps } from './numbers.ts';
import { surfaceSteps } from './surface.ts';
import { validationSteps } from './validation.ts';
import { warningSteps } from './warnings.ts';

/** One request of the set. */
export interface Step {
  id: string;
  method: string;
  path: string;
  accept?: string;
  contentType?: string;
  body?: unknown;
  /** What a controller does to the object in consequence, to be waited for before the next request. */
  until?: { path: string; condition: string };
  /** What is read later goes through caches of upstream's server: when it is recorded, they are waited for. */
  settle?: boolean;
}

/** The condition that a controller of the API server itself gives to each new object of a kind. */
const conditionOf: Record<string, string> = {
  'apiservices.apiregistration.k8s.io': 'Available',
  'customresourcedefinitions.apiextensions.k8s.io': 'Established',
  'flowschemas.flowcontrol.apiserver.k8s.io': 'Dangling',
};

type Sample = KubernetesObject & Record<string, unknown>;

const samples = parse(readFileSync(new URL('samples.yaml', import.meta.url), 'utf8')) as Record<string, Sample>;
const namespace = 'differential';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json';
const csr = readFileSync(new URL('request.pem', import.meta.url)).toString('base64');

function fill(value: unknown, names: { name: string; namespace: string }): unknown {
  const text = JSON.stringify(value).replaceAll('NAMESPACE', names.namespace).replaceAll('NAME', names.name);
  return JSON.parse(text.replaceAll('"CSR"', JSON.stringify(csr)));
}

function sampleOf(key: string, resource: Resource<KubernetesObject>, name: string): Sample {
  const filled = fill(samples[key], { name, namespace }) as Sample;
  const metadata = filled.metadata ?? {};
  return {
    ...filled,
    apiVersion: apiVersionOf(resource),
    metadata: { name, ...(resource.namespaced ? { namespace } : {}), ...metadata },
  };
}

/** The life of one object through every verb and form. */
function lifeOf(key: string, resource: Resource<KubernetesObject>): Step[] {
  const object = sampleOf(key, resource, 'diff-a');
  const name = object.metadata.name ?? '';
  const at = resource.namespaced ? { namespace } : {};
  const all = resourcePath(resource, at);
  const one = resourcePath(resource, { ...at, name });
  const bare = { apiVersion: object.apiVersion, kind: object.kind, metadata: { name, ...at } };
  const step = (what: string, method: string, path: string, more: Partial<Step> = {}): Step => ({
    id: `${key} ${what}`,
    method,
    path,
    ...more,
  });
  const condition = conditionOf[key];
  const merge = 'application/merge-patch+json';
  const apply = 'application/apply-patch+yaml';
  return [
    step('get missing', 'GET', resourcePath(resource, { ...at, name: 'missing' })),
    step('create dry run', 'POST', `${all}?dryRun=All`, { body: object }),
    step('create dry run value', 'POST', `${all}?dryRun=Some`, { body: object }),
    step('create unknown field strict', 'POST', `${all}?fieldValidation=Strict&dryRun=All`, {
      body: { ...object, bogus: 1 },
    }),
    step('create unknown field ignore', 'POST', `${all}?fieldValidation=Ignore&dryRun=All`, {
      body: { ...object, bogus: 1 },
    }),
    step('create field validation value', 'POST', `${all}?fieldValidation=Maybe`, { body: object }),
    step('create wrong kind', 'POST', `${all}?dryRun=All`, { body: { ...object, kind: 'Wrong' } }),
    step('create wrong version', 'POST', `${all}?dryRun=All`, { body: { ...object, apiVersion: 'wrong/v1' } }),
    step('create no kind', 'POST', `${all}?dryRun=All`, { body: { ...object, kind: undefined } }),
    step('create no name', 'POST', `${all}?dryRun=All`, {
      body: { ...object, metadata: { ...object.metadata, name: undefined } },
    }),
    step('create wrong namespace', 'POST', `${all}?dryRun=All`, {
      body: { ...object, metadata: { ...object.metadata, namespace: 'other' } },
    }),
    step('create with version', 'POST', `${all}?dryRun=All`, {
      body: { ...object, metadata: { ...object.metadata, resourceVersion: '5' } },
    }),
    step('create', 'POST', `${all}?fieldManager=diff`, {
      body: object,
      ...(condition ? { until: { path: one, condition } } : {}),
    }),
    step('create again', 'POST', all, { body: object }),
    step('get', 'GET', one),
    step('get table', 'GET', one, { accept: table }),
    step('get metadata', 'GET', one, { accept: partial }),
    step('get yaml', 'GET', one, { accept: 'application/yaml' }),
    step('get unacceptable', 'GET', one, { accept: 'text/html' }),
    step('list by name', 'GET', `${all}?fieldSelector=metadata.name%3D${name}`),
    step('list table', 'GET', `${all}?fieldSelector=metadata.name%3D${name}`, { accept: table }),
    step('list bad field', 'GET', `${all}?fieldSelector=spec.bogus%3Dx`),
    step('list bad selector', 'GET', `${all}?labelSelector=a%20in%20(`),
    step('list none', 'GET', `${all}?labelSelector=none%3Dthere`),
    step('list bad limit', 'GET', `${all}?limit=x`),
    step('list bad continue', 'GET', `${all}?continue=x`),
    step('list bad match', 'GET', `${all}?resourceVersionMatch=Exact`),
    step('update', 'PUT', `${one}?fieldManager=diff`, {
      body: { ...object, metadata: { ...object.metadata, labels: { a: 'b' } } },
    }),
    step('update stale', 'PUT', one, { body: { ...object, metadata: { ...object.metadata, resourceVersion: '1' } } }),
    step('update wrong uid', 'PUT', one, { body: { ...object, metadata: { ...object.metadata, uid: 'x' } } }),
    step('update wrong name', 'PUT', one, { body: { ...object, metadata: { ...object.metadata, name: 'other' } } }),
    step('update missing', 'PUT', resourcePath(resource, { ...at, name: 'missing' }), {
      body: { ...object, metadata: { ...object.metadata, name: 'missing', uid: 'x' } },
    }),
    step('merge patch', 'PATCH', `${one}?fieldManager=diff`, {
      contentType: merge,
      body: { metadata: { labels: { a: null, c: 'd' } } },
    }),
    step('merge patch bad label', 'PATCH', one, { contentType: merge, body: { metadata: { labels: { 'a b': 'c' } } } }),
    step('merge patch unknown strict', 'PATCH', `${one}?fieldValidation=Strict`, {
      contentType: merge,
      body: { bogus: 1 },
    }),
    step('merge patch not an object', 'PATCH', one, { contentType: merge, body: [1] }),
    step('strategic patch', 'PATCH', `${one}?fieldManager=diff`, {
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { annotations: { e: 'f' }, finalizers: [] } },
    }),
    step('json patch', 'PATCH', `${one}?fieldManager=diff`, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'add', path: '/metadata/labels/g', value: 'h' }],
    }),
    step('json patch test fails', 'PATCH', one, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'test', path: '/metadata/name', value: 'no' }],
    }),
    step('json patch no path', 'PATCH', one, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/metadata/none/there' }],
    }),
    step('patch wrong type', 'PATCH', one, { contentType: 'application/json', body: {} }),
    step('apply no manager', 'PATCH', one, { contentType: apply, body: bare }),
    step('apply', 'PATCH', `${one}?fieldManager=applier`, {
      contentType: apply,
      body: { ...bare, metadata: { ...bare.metadata, labels: { applied: 'yes' } } },
    }),
    step('apply conflict', 'PATCH', `${one}?fieldManager=other`, {
      contentType: apply,
      body: { ...bare, metadata: { ...bare.metadata, labels: { applied: 'no' } } },
    }),
    step('apply force', 'PATCH', `${one}?fieldManager=other&force=true`, {
      contentType: apply,
      body: { ...bare, metadata: { ...bare.metadata, labels: { applied: 'no' } } },
    }),
    step('get status', 'GET', `${one}/status`),
    step('patch status', 'PATCH', `${one}/status?fieldManager=diff`, {
      contentType: merge,
      body: { metadata: { annotations: { s: 't' } } },
    }),
    step('get scale', 'GET', `${one}/scale`),
    step('patch scale', 'PATCH', `${one}/scale?fieldManager=diff`, {
      contentType: merge,
      body: { spec: { replicas: 1 } },
    }),
    step('get bogus subresource', 'GET', `${one}/bogus`),
    step('post to one', 'POST', one, { body: object }),
    step('delete wrong uid', 'DELETE', one, {
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'x' } },
    }),
    step('delete bad propagation', 'DELETE', `${one}?propagationPolicy=Sideways`),
    step('delete dry run', 'DELETE', `${one}?dryRun=All`),
    step('delete', 'DELETE', `${one}?gracePeriodSeconds=0&propagationPolicy=Background`, {
      ...(condition ? { until: { path: one, condition: 'gone' } } : {}),
    }),
    step('delete again', 'DELETE', one),
    step('deletecollection none', 'DELETE', `${all}?labelSelector=none%3Dthere`),
  ];
}

/** What is found as often as upstream looks at the metadata, which differs by kind. */
const metadataWrong: Readonly<Record<string, object>> = {
  'a bad label': { labels: { 'a/b/c': 'x' } },
  'a bad annotation': { annotations: { 'a b': 'x' } },
  'an owner without uid': { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x' }] },
  'a bad finalizer': { finalizers: ['a b/c'] },
  'an unknown finalizer': { finalizers: ['plain'] },
  'finalizers that exclude each other': { finalizers: ['orphan', 'foregroundDeletion'] },
};

/** One object, and patches of its metadata by way of itself and of its status. */
function metadataStepsOf(key: string, resource: Resource<KubernetesObject>): Step[] {
  const body = sampleOf(key, resource, 'diff-m');
  const at = resource.namespaced ? { namespace } : {};
  const one = resourcePath(resource, { ...at, name: body.metadata.name ?? '' });
  const id = (what: string): string => `metadata of ${key}: ${what}`;
  const condition = conditionOf[key];
  const patches = Object.entries(metadataWrong).flatMap(([what, metadata]) =>
    ['', '/status'].map(
      (part): Step => ({
        id: id(`${what}${part}`),
        method: 'PATCH',
        path: `${one}${part}?dryRun=All`,
        contentType: 'application/merge-patch+json',
        body: { metadata },
      }),
    ),
  );
  return [
    {
      id: id('create'),
      method: 'POST',
      path: resourcePath(resource, at),
      body,
      ...(condition ? { until: { path: one, condition } } : {}),
    },
    ...patches,
    { id: id('delete'), method: 'DELETE', path: `${one}?gracePeriodSeconds=0&propagationPolicy=Background` },
  ];
}

/** The sample with one thing wrong at a time, as dry-run creates with strict field validation. */
function wrongsOf(key: string, resource: Resource<KubernetesObject>): Step[] {
  const object = sampleOf(key, resource, 'diff-b');
  const path = `${resourcePath(resource, resource.namespaced ? { namespace } : {})}?dryRun=All&fieldValidation=Strict`;
  return mutationsOf(resource, object).map(({ what, object: body }) => ({
    id: `${key} wrong: ${what}`,
    method: 'POST',
    path,
    body,
  }));
}

/** Requests that belong to no resource. */
function generalSteps(): Step[] {
  const get = (path: string, accept?: string): Step => ({
    id: `GET ${path}${accept ? ` as ${accept}` : ''}`,
    method: 'GET',
    path,
    ...(accept ? { accept } : {}),
  });
  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const paths = [
    '/',
    '/api',
    '/apis',
    '/api/v1',
    '/version',
    '/healthz',
    '/livez',
    '/readyz',
    '/nothing',
    '/api/v2',
    '/apis/none',
    '/apis/apps',
    '/apis/apps/v2',
  ];
  const groups = [...new Set(Object.values(handles).map((r) => r.group))].filter((g) => g !== '');
  return [
    ...paths.map((p) => get(p)),
    get('/api', v2),
    get('/apis', v2),
    ...groups.flatMap((g) => [get(`/apis/${g}`), get(`/apis/${g}/v1`)]),
    get('/api/v1/namespaces/none/pods/x'),
    {
      id: 'create in a missing namespace',
      method: 'POST',
      path: '/api/v1/namespaces/none/configmaps',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
    },
    { id: 'create no body', method: 'POST', path: '/api/v1/namespaces/default/configmaps' },
    {
      id: 'create not JSON',
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      contentType: 'application/json',
      body: 'not json',
    },
    {
      id: 'create unsupported media',
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      contentType: 'text/plain',
      body: 'x',
    },
    ...['selfsubjectaccessreviews', 'selfsubjectrulesreviews'].map((r) => ({
      id: `${r} empty`,
      method: 'POST',
      path: `/apis/authorization.k8s.io/v1/${r}`,
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: r === 'selfsubjectaccessreviews' ? 'SelfSubjectAccessReview' : 'SelfSubjectRulesReview',
        spec: {},
      },
    })),
    {
      id: 'self subject review',
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    },
  ];
}

const handleOf = (key: string): Resource<KubernetesObject> => {
  const [resource, ...group] = key.split('.');
  const found = (Object.values(handles) as Resource<KubernetesObject>[]).find(
    (h) => h.resource === resource && h.group === group.join('.') && !(h.group === 'autoscaling' && h.version === 'v1'),
  );
  if (!found) throw new Error(`samples.yaml: no served resource ${key}`);
  return found;
};

/** The whole set, in the order in which it is sent. */
export function allSteps(): Step[] {
  const prepare: Step[] = [
    {
      id: 'prepare namespace',
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    },
    {
      id: 'prepare service account',
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
    },
  ];
  const keys = Object.keys(samples);
  return [
    ...prepare,
    ...generalSteps(),
    ...keys.flatMap((k) => lifeOf(k, handleOf(k))),
    ...keys.flatMap((k) => wrongsOf(k, handleOf(k))),
    ...keys.flatMap((k) => metadataStepsOf(k, handleOf(k))),
    ...expressionSteps(),
    ...warningSteps(namespace),
    ...admissionSteps(),
    ...surfaceSteps(),
    ...numberSteps(),
    ...validationSteps(),
  ];
}
