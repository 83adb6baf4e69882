import type { ServiceCIDR } from '../../api/gen/networking-v1.ts';
import { ipaddresses, servicecidrs } from '../../api/gen/resources.ts';
import { isApiError } from '../../api/status.ts';
import { type Cidr, cidrContains, type Ip, parseCidr, parseIp } from '../../base/cidr.ts';
import type { Component } from '../../base/component.ts';
import { createCommitter } from '../runtime/committer.ts';
import { withCondition } from '../runtime/conditions.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, type Outcome, watching } from '../runtime/controller.ts';
import { timeOf } from '../runtime/time.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const managedBy = 'ipaddress.kubernetes.io/managed-by';

/** The allocator may give out an address of a network until it has seen that this goes. */
const graceMs = 10_000;

const networksOf = ({ spec }: ServiceCIDR): Cidr[] => (spec?.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);

const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family &&
  outer.prefix <= inner.prefix &&
  cidrContains(outer, { family: inner.family, value: inner.base });

/** Whether every address in use of `going` lies in one of `others` too. */
export function mayGo(going: ServiceCIDR, others: readonly ServiceCIDR[], inUse: readonly Ip[]): boolean {
  const left = others.flatMap(networksOf);
  return networksOf(going).every(
    (network) =>
      left.some((other) => covers(other, network)) ||
      inUse.filter((ip) => cidrContains(network, ip)).every((ip) => left.some((other) => cidrContains(other, ip))),
  );
}

const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const terminating = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

/** Lets services take addresses from networks that were added, and lets no network go whose addresses are in use. */
export function createServiceCidrController(context: ControllerContext): Component {
  const { client, informers, now } = context;
  const informer = informers.informer(servicecidrs);
  const addresses = informers.informer(ipaddresses);
  const committer = createCommitter({ client, resource: servicecidrs, informer });
  const all = (): string[] => informer.list().map(({ metadata }) => metadata.name ?? '');
  const going = (): string[] =>
    informer
      .list()
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .map(({ metadata }) => metadata.name ?? '');

  const say = (cidr: ServiceCIDR, condition: typeof ready): Promise<ServiceCIDR> => {
    const known = cidr.status?.conditions?.find(({ type }) => type === 'Ready');
    if (known?.status === condition.status && known.reason === condition.reason) return Promise.resolve(cidr);
    const conditions = withCondition(cidr.status?.conditions, condition, now());
    return committer.commitStatus(cidr, { ...cidr, status: { ...cidr.status, conditions } });
  };

  const withFinalizers = (cidr: ServiceCIDR, finalizers: string[]): Promise<ServiceCIDR> =>
    committer.commit(cidr, { ...cidr, metadata: { ...cidr.metadata, finalizers } });

  const end = async (cidr: ServiceCIDR): Promise<Outcome> => {
    const { name, deletionTimestamp, finalizers = [] } = cidr.metadata;
    const others = informer.list().filter(({ metadata }) => metadata.name !== name);
    const inUse = addresses
      .list()
      .filter(({ metadata }) => metadata.labels?.[managedBy] === 'ipallocator.k8s.io')
      .flatMap(({ metadata }) => parseIp(metadata.name ?? '') ?? []);
    if (!mayGo(cidr, others, inUse)) {
      await say(cidr, terminating);
      return undefined;
    }
    const left = timeOf(deletionTimestamp) + graceMs - now();
    if (left > 0) return { requeueAfterMs: left };
    if (!finalizers.includes(finalizer)) return undefined;
    try {
      await withFinalizers(
        cidr,
        finalizers.filter((one) => one !== finalizer),
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
    return undefined;
  };

  return createController({
    name: 'service-cidr',
    log: context.log.child('service-cidr'),
    workers: 1,
    watches: (queue) => [watching(queue, informer, all), watching(queue, addresses, going)],
    async reconcile(name) {
      const cidr = informer.get(name);
      if (!cidr) return undefined;
      if (cidr.metadata.deletionTimestamp !== undefined) return end(cidr);
      const { finalizers = [] } = cidr.metadata;
      const kept = finalizers.includes(finalizer) ? cidr : await withFinalizers(cidr, [...finalizers, finalizer]);
      await say(kept, ready);
      return undefined;
    },
  });
}
