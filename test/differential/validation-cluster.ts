import { readFileSync } from 'node:fs';
import { inNamespace, type Kind, schema } from './validation-kind.ts';

/** What belongs to the cluster, and what is claimed of it. */

const condition = (type: string, status = 'True'): object => ({ type, status, reason: 'r', message: 'm' });
const pem = (type: string, text: string): string =>
  Buffer.from(`-----BEGIN ${type}-----\n${text}\n-----END ${type}-----\n`).toString('base64');
const encoded = (text: string): string => Buffer.from(text).toString('base64');
const csr = encoded(readFileSync(new URL('request.pem', import.meta.url), 'utf8'));
const device = (more: object): object => ({ spec: { devices: [{ name: 'd', ...more }] } });
const request = (more: object): object => ({ spec: { devices: { requests: [{ name: 'r', ...more }] } } });
const subject = (more: object): object => ({
  spec: {
    rules: [
      { subjects: [more], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true }] },
    ],
  },
});
const hook = (more: object): object => ({
  webhooks: [
    {
      name: 'a.b.example.com',
      clientConfig: { url: 'https://hook.example/x' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...more,
    },
  ],
});
const rule = (more: object): object =>
  hook({ rules: [{ apiGroups: ['a'], apiVersions: ['v1'], resources: ['b'], operations: ['CREATE'], ...more }] });
const version = (more: object): object => ({
  spec: {
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } }, ...more }],
  },
});
const peer = (ipBlock: object): object => ({ spec: { ingress: [{ from: [{ ipBlock }] }] } });

export const clusterKinds: Readonly<Record<string, Kind>> = {
  slices: {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    right: {
      metadata: { name: 'diff-v' },
      spec: { driver: 'd.example.com', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
    },
    wrong: {
      driver: { spec: { driver: 'D_x' } },
      pool: { spec: { pool: { name: 'a//B', generation: -1, resourceSliceCount: 0 } } },
      'two places': { spec: { allNodes: true } },
      'no place': { spec: { nodeName: null } },
      attributes: device({ attributes: { 'a.b/c': { string: 'x', int: 1 } } }),
      'empty attribute': device({ attributes: { a: {} } }),
      version: device({ attributes: { a: { version: '1.2' } } }),
      'attribute name': device({ attributes: { 'A_/b': { bool: true } } }),
      taint: device({ taints: [{ key: '-', effect: 'Sometimes' }] }),
      twice: { spec: { devices: [{ name: 'd' }, { name: 'd' }] } },
      'name of device': { spec: { devices: [{ name: 'D_d' }] } },
    },
    changes: [
      ['driver', '', { spec: { driver: 'e.example.com' } }],
      ['node', '', { spec: { nodeName: 'm' } }],
      ['pool', '', { spec: { pool: { name: 'q' } } }],
    ],
  },
  claims: {
    path: inNamespace('resource.k8s.io/v1', 'resourceclaims'),
    right: {
      metadata: { name: 'diff-v' },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } },
    },
    wrong: {
      neither: request({}),
      both: request({ exactly: { deviceClassName: 'c' }, firstAvailable: [{ name: 's', deviceClassName: 'c' }] }),
      class: request({ exactly: { deviceClassName: 'C_' } }),
      'all of some': request({ exactly: { deviceClassName: 'c', allocationMode: 'All', count: 3 } }),
      count: request({ exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count: -1 } }),
      mode: request({ exactly: { deviceClassName: 'c', allocationMode: 'Most' } }),
      selector: request({ exactly: { deviceClassName: 'c', selectors: [{ cel: { expression: 'device.x' } }] } }),
      toleration: request({
        exactly: { deviceClassName: 'c', tolerations: [{ key: 'a', operator: 'Exists', value: 'b', effect: 'No' }] },
      }),
      constraint: { spec: { devices: { constraints: [{ requests: ['other'], matchAttribute: 'noDomain' }] } } },
      config: { spec: { devices: { config: [{ requests: ['other'] }] } } },
    },
    changes: [
      ['spec', '', { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'other' } }] } } }],
      [
        'reserved without allocation',
        'status',
        { status: { reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] } },
      ],
    ],
  },
  flows: {
    path: '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
    right: {
      metadata: { name: 'diff-v' },
      spec: { priorityLevelConfiguration: { name: 'global-default' }, matchingPrecedence: 9000 },
    },
    wrong: {
      precedence: { spec: { matchingPrecedence: 10_001 } },
      'precedence of the exempt': { spec: { matchingPrecedence: 1 } },
      method: { spec: { distinguisherMethod: { type: 'ByName' } } },
      level: { spec: { priorityLevelConfiguration: { name: 'Not_a_name' } } },
      'no subjects': { spec: { rules: [{ subjects: [], resourceRules: [] }] } },
      'subject kind': subject({ kind: 'Robot' }),
      'subject of both': subject({ kind: 'User', user: { name: 'u' }, group: { name: 'g' } }),
      'subject account': subject({ kind: 'ServiceAccount', serviceAccount: { namespace: 'A_', name: 'b/c' } }),
      'subject of nothing': subject({ kind: 'Group' }),
      scope: {
        spec: {
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'u' } }],
              resourceRules: [
                { verbs: ['*', 'get'], apiGroups: ['*', 'a'], resources: ['A b'], namespaces: ['*', 'x'] },
              ],
            },
          ],
        },
      },
      paths: {
        spec: {
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'u' } }],
              nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['x', '/a/*/b', '/a//b'] }],
            },
          ],
        },
      },
    },
  },
  webhooks: {
    path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
    right: { metadata: { name: 'diff-v' } },
    wrong: {
      'group and all': rule({ apiGroups: ['*', 'a'] }),
      'version and all': rule({ apiVersions: ['*', 'v1'] }),
      operations: rule({ operations: ['*', 'CREATE', 'FLY'] }),
      'resource and all': rule({ resources: ['*/*', 'a'] }),
      'all of a subresource': rule({ resources: ['*/status', 'a/status'] }),
      'all of a resource': rule({ resources: ['a/*', 'a/status'] }),
      'half a resource': rule({ resources: ['a/'] }),
      scope: rule({ scope: 'Some' }),
      'name without domain': hook({ name: 'a' }),
      'two configs': hook({ clientConfig: { url: 'https://a', service: { namespace: 'a', name: 'b' } } }),
      url: hook({ clientConfig: { url: 'http://user@a/b?c#d' } }),
      'service path': hook({ clientConfig: { service: { namespace: 'a', name: 'b', path: '/a//b', port: 0 } } }),
      'side effects': hook({ sideEffects: 'Some' }),
      timeout: hook({ timeoutSeconds: 31 }),
      reviews: hook({ admissionReviewVersions: ['v7'] }),
      'no reviews': hook({ admissionReviewVersions: [] }),
      conditions: hook({
        matchConditions: [
          { name: 'a b', expression: '' },
          { name: 'c', expression: 'object +' },
        ],
      }),
      'conditions twice': hook({ matchConditions: ['x', 'x'].map((name) => ({ name, expression: 'true' })) }),
      twice: {
        webhooks: [...(hook({}) as { webhooks: object[] }).webhooks, ...(hook({}) as { webhooks: object[] }).webhooks],
      },
    },
  },
  definitions: {
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    right: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'vs.v.example.com' },
      spec: {
        group: 'v.example.com',
        scope: 'Namespaced',
        names: { plural: 'vs', kind: 'V' },
        ...(schema({ type: 'object' }) as { spec: object }).spec,
      },
    },
    wrong: {
      'no type': schema({ properties: { a: { type: 'string' } } }),
      'type in a part': schema({ type: 'object', allOf: [{ type: 'object' }] }),
      'title in a part': schema({ type: 'object', anyOf: [{ title: 'x', description: 'y' }] }),
      'property outside': schema({ type: 'object', allOf: [{ properties: { a: { minimum: 1 } } }] }),
      'default in a part': schema({ type: 'object', not: { default: {} } }),
      'unique items': schema({ type: 'array', items: { type: 'string' }, uniqueItems: true }),
      'both properties': schema({ type: 'object', properties: {}, additionalProperties: { type: 'string' } }),
      'no items': schema({ type: 'array' }),
      'not or string': schema({ type: 'string', 'x-kubernetes-int-or-string': true }),
      'preserve of a string': schema({ type: 'string', 'x-kubernetes-preserve-unknown-fields': true }),
      'preserve false': schema({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false }),
      'embedded bare': schema({ type: 'object', 'x-kubernetes-embedded-resource': true }),
      'list type': schema({ type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' }),
      'list map without keys': schema({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
      'list map key': schema({
        type: 'array',
        items: { type: 'object', properties: { a: { type: 'string' } } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['a', 'b'],
      }),
      'set of objects': schema({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }),
      'map type': schema({ type: 'object', 'x-kubernetes-map-type': 'molecular' }),
      pattern: schema({ type: 'string', pattern: '(' }),
      reference: schema({ type: 'object', $ref: '#/x' }),
      'default of another type': schema({ type: 'object', properties: { a: { type: 'integer', default: 'x' } } }),
      'default unknown': schema({ type: 'object', default: { b: 1 }, properties: { a: { type: 'string' } } }),
      column: version({ additionalPrinterColumns: [{ name: '', type: 'text', jsonPath: 'a', format: 'x' }] }),
      'scale paths': version({ subresources: { scale: { specReplicasPath: '.a', statusReplicasPath: '.spec.b[0]' } } }),
      selectable: version({ selectableFields: [{ jsonPath: '.spec.x' }] }),
      'no storage': version({ storage: false }),
      conversion: { spec: { conversion: { strategy: 'Webhook' } } },
      'conversion reviews': {
        spec: {
          conversion: {
            strategy: 'Webhook',
            webhook: { clientConfig: { url: 'https://a' }, conversionReviewVersions: ['v7'] },
          },
        },
      },
      'conversion none': { spec: { conversion: { strategy: 'None', webhook: { conversionReviewVersions: ['v1'] } } } },
      names: { spec: { names: { plural: 'Vs', kind: '1', listKind: '-', shortNames: ['A_'], categories: ['b/c'] } } },
      group: { spec: { group: 'nodots' } },
      scope: { spec: { scope: 'Galaxy' } },
    },
  },
  policies: {
    path: inNamespace('networking.k8s.io/v1', 'networkpolicies'),
    right: { metadata: { name: 'diff-v' }, spec: { podSelector: {} } },
    wrong: {
      except: peer({ cidr: '10.0.0.0/8', except: ['11.0.0.0/16', '10.0.0.0/8', 'x'] }),
      cidr: peer({ cidr: '10.0.0.1' }),
      'except of the other family': peer({ cidr: '10.0.0.0/8', except: ['fd00::/64'] }),
      'end port': {
        spec: { ingress: [{ ports: [{ port: 80, endPort: 79 }, { port: 'web', endPort: 90 }, { endPort: 5 }] }] },
      },
      'no peer': { spec: { egress: [{ to: [{}] }] } },
    },
  },
  ranges: {
    path: '/apis/networking.k8s.io/v1/servicecidrs',
    right: { metadata: { name: 'diff-v' }, spec: { cidrs: ['10.99.0.0/24'] } },
    wrong: {
      bits: { spec: { cidrs: ['10.99.0.1/24'] } },
      'one family': { spec: { cidrs: ['10.99.0.0/24', '10.98.0.0/24'] } },
      three: { spec: { cidrs: ['10.99.0.0/24', 'fd00::/64', '10.97.0.0/24'] } },
      text: { spec: { cidrs: ['010.99.0.0/24'] } },
    },
  },
  attachments: {
    path: '/apis/storage.k8s.io/v1/volumeattachments',
    right: {
      metadata: { name: 'diff-v' },
      spec: { attacher: 'x', nodeName: 'n', source: { persistentVolumeName: 'p' } },
    },
    changes: [
      ['errors', 'status', { status: { attached: true, attachError: { message: 'x'.repeat(1025), errorCode: -1 } } }],
    ],
  },
  requests: {
    path: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
    right: {
      metadata: { name: 'diff-v' },
      spec: { request: csr, signerName: 'a.example.com/b', usages: ['client auth'] },
    },
    wrong: {
      usages: { spec: { usages: ['client auth', 'client auth', 'flying'] } },
      signer: { spec: { signerName: 'nodomain' } },
      legacy: { spec: { signerName: 'kubernetes.io/legacy-unknown' } },
      expiration: { spec: { expirationSeconds: 599 } },
    },
    changes: [
      [
        'conditions',
        'status',
        { status: { conditions: [condition(''), condition('X', 'Maybe'), condition('Failed', 'False')] } },
      ],
      ['approval by status', 'status', { status: { conditions: [condition('Approved')] } }],
      ['certificate', 'status', { status: { certificate: encoded('hello') } }],
      ['certificate of another type', 'status', { status: { certificate: pem('KEY', 'aGVsbG8=') } }],
      ['both', 'approval', { status: { conditions: [condition('Approved'), condition('Denied')] } }],
      ['not approved', 'approval', { status: { conditions: [condition('Approved', 'False')] } }],
    ],
  },
};
