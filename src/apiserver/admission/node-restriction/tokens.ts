import type { TokenRequestSpec } from '../../../api/gen/authentication-v1.ts';
import type { PersistentVolume, PersistentVolumeClaim, PodSpec, Volume } from '../../../api/gen/core-v1.ts';
import type { CSIDriver } from '../../../api/gen/storage-v1.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { Frozen } from '../../registry/types.ts';
import { refuse } from '../plugin.ts';
import { mustLookUp, type NodeAsks, nodeNameOf } from './asks.ts';

/** The drivers that have taken the place of kinds of volumes. */
const drivers: Readonly<Record<string, string>> = {
  awsElasticBlockStore: 'ebs.csi.aws.com',
  azureDisk: 'disk.csi.azure.com',
  azureFile: 'file.csi.azure.com',
  cinder: 'cinder.csi.openstack.org',
  gcePersistentDisk: 'pd.csi.storage.gke.io',
  portworxVolume: 'pxd.portworx.com',
  vsphereVolume: 'csi.vsphere.vmware.com',
};

const driverOf = (source: object): string | undefined =>
  (source as { csi?: { driver?: string } }).csi?.driver ??
  drivers[Object.keys(source).find((key) => drivers[key]) ?? ''];

async function driverOfVolume(volume: Volume, pod: Frozen, { a, context }: NodeAsks): Promise<string | undefined> {
  const claim = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
  if (!claim) return driverOf(volume);
  const place = { resource: 'persistentvolumeclaims', namespace: a.namespace, name: claim };
  const { spec } = (await mustLookUp(context, place)) as unknown as PersistentVolumeClaim;
  const found = await mustLookUp(context, { resource: 'persistentvolumes', name: spec?.volumeName ?? '' });
  return driverOf((found as unknown as PersistentVolume).spec ?? {});
}

/** Whether a volume of the pod asks for tokens for an audience, itself or by its driver. */
async function podAsksFor(audience: string, pod: Frozen, asks: NodeAsks): Promise<boolean> {
  const problems: string[] = [];
  for (const volume of (pod.spec as PodSpec).volumes ?? []) {
    const own = volume.projected?.sources?.some(
      ({ serviceAccountToken: token }) => token && (token.audience ?? '') === audience,
    );
    if (own) return true;
    try {
      const name = await driverOfVolume(volume, pod, asks);
      if (!name) continue;
      const driver = (await mustLookUp(asks.context, { resource: 'csidrivers', name })) as unknown as CSIDriver;
      if (driver.spec?.tokenRequests?.some((request) => request.audience === audience)) return true;
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  if (problems.length === 0) return false;
  throw new Error(problems.length === 1 ? problems[0] : `[${[...new Set(problems)].join(', ')}]`);
}

async function checkAudience(audiences: readonly string[], pod: Frozen, asks: NodeAsks, authorizer: Authorizer) {
  const { a } = asks;
  if (audiences.length > 1) throw refuse(a, 'node may only request 0 or 1 audiences');
  const [audience = ''] = audiences;
  const shown = JSON.stringify(audience);
  const found = await podAsksFor(audience, pod, asks).catch((error: unknown) => {
    throw refuse(a, `error validating audience ${shown}: ${messageOf(error)}`);
  });
  if (found) return;
  const { user } = a.context;
  const decision = await authorizer.authorize(user, {
    isResource: true,
    path: '',
    verb: 'request-serviceaccounts-token-audience',
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace: a.namespace,
    name: a.name,
  });
  if (decision.allowed) return;
  const why = `${user.name} is not authorized to request tokens for this audience`;
  throw refuse(a, `audience ${shown} not found in pod spec volume, ${why}`);
}

/** A kubelet gets tokens for the pods bound to it alone, and for the audiences that these ask for. */
export async function admitToken(asks: NodeAsks, authorizer: Authorizer): Promise<void> {
  const { node, a, context } = asks;
  if (a.operation !== 'CREATE' || a.subresource !== 'token') return;
  const { boundObjectRef: reference, audiences = [] } = (a.object?.spec ?? {}) as TokenRequestSpec;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name)
    throw refuse(a, 'node requested token not bound to a pod');
  if (!reference.uid) throw refuse(a, 'node requested token with a pod binding without a uid');
  const pod = await mustLookUp(context, { resource: 'pods', namespace: a.namespace, name: reference.name });
  if (pod.metadata.uid !== reference.uid)
    throw refuse(
      a,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (nodeNameOf(pod) !== node) throw refuse(a, 'node requested token bound to a pod scheduled on a different node');
  await checkAudience(audiences ?? [], pod, asks, authorizer);
}
