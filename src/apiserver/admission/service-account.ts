import type { Container, PodSpec, ServiceAccount, Volume } from '../../api/gen/core-v1.ts';
import { podReferences } from '../../api/pod-references.ts';
import { delay } from '../../base/abort.ts';
import { lookUp } from '../registry/look-up.ts';
import type { AdmissionAttributes } from '../registry/types.ts';
import { type AdmissionContext, type AdmissionPlugin, refuse } from './plugin.ts';
import { randomSuffix } from './random-suffix.ts';
import { ephemeralProblem, isLimited, secretProblem } from './service-account-secrets.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirror = 'kubernetes.io/config.mirror';

/** The volume from which a pod reads its token, the cluster's CA and its namespace. */
const accessVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});

function mountToken(spec: PodSpec): void {
  const existing = (spec.volumes ?? []).find((volume) => volume.name.startsWith('kube-api-access-'));
  const name = existing?.name ?? `kube-api-access-${randomSuffix()}`;
  let needed = false;
  const mount = (container: Container): void => {
    if (container.volumeMounts?.some((m) => m.mountPath === mountPath)) return;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, mountPath, readOnly: true }];
    needed = true;
  };
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) mount(container);
  if (needed && !existing) spec.volumes = [...(spec.volumes ?? []), accessVolume(name)];
}

function checkMirror(attributes: AdmissionAttributes, spec: PodSpec): void {
  if (spec.serviceAccountName) throw refuse(attributes, 'a mirror pod may not reference service accounts');
  for (const reference of podReferences({ spec }))
    if (reference.startsWith('secrets/')) throw refuse(attributes, 'a mirror pod may not reference secrets');
  if (spec.volumes?.some((v) => v.projected?.sources?.some((s) => s.serviceAccountToken)))
    throw refuse(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
}

/** Every pod has an account that exists, and its token where nobody says no. */
export function serviceAccount(context: AdmissionContext): AdmissionPlugin {
  /** The `default` account comes from a controller just after its namespace: wait a little for it. */
  const find = async (namespace: string, name: string): Promise<ServiceAccount | undefined> => {
    const attempts = name === 'default' ? 10 : 1;
    for (let i = 0; i < attempts; i++) {
      if (i > 0) await delay(100 + Math.random() * 100);
      const found = await lookUp(context.registry(), { group: '', resource: 'serviceaccounts' }, { namespace, name });
      if (found) return found as unknown as ServiceAccount;
    }
    return undefined;
  };

  const mustFind = async (a: AdmissionAttributes, name: string): Promise<ServiceAccount> => {
    const account = await find(a.namespace, name);
    if (account) return account;
    throw refuse(a, `error looking up service account ${a.namespace}/${name}: serviceaccount "${name}" not found`);
  };

  return {
    name: 'ServiceAccount',
    operations: ['CREATE', 'UPDATE'],
    resources: ['/pods', '/pods/ephemeralcontainers'],
    async mutate(attributes) {
      const { object, operation, subresource } = attributes;
      const spec = object?.spec as PodSpec | undefined;
      if (!object || !spec?.containers || operation !== 'CREATE' || subresource) return false;
      if (object.metadata.annotations?.[mirror] !== undefined) {
        checkMirror(attributes, spec);
        return false;
      }
      spec.serviceAccountName ||= 'default';
      const name = spec.serviceAccountName;
      const account = await mustFind(attributes, name);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec);
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
        spec.imagePullSecrets = account.imagePullSecrets.map(({ name: secret }) => ({ name: secret }));
      // The old name of the field follows the new one.
      (spec as { serviceAccount?: string }).serviceAccount = name;
      const problem = isLimited(account) ? secretProblem(spec, account) : undefined;
      if (problem !== undefined) throw refuse(attributes, problem);
      return true;
    },
    /** Others may have altered the pod since. */
    async validate(attributes) {
      const { object, operation, subresource } = attributes;
      const spec = object?.spec as PodSpec | undefined;
      if (!object || !spec?.containers || (operation === 'UPDATE' && subresource !== 'ephemeralcontainers')) return;
      if (operation === 'CREATE' && object.metadata.annotations?.[mirror] !== undefined) {
        checkMirror(attributes, spec);
        return;
      }
      if (!spec.serviceAccountName)
        throw refuse(
          attributes,
          `no service account specified for pod ${attributes.namespace}/${object.metadata.name ?? ''}`,
        );
      const account = await mustFind(attributes, spec.serviceAccountName);
      if (!isLimited(account)) return;
      const problem = operation === 'CREATE' ? secretProblem(spec, account) : ephemeralProblem(spec, account);
      if (problem !== undefined) throw refuse(attributes, problem);
    },
  };
}
