import type { Node } from '../../api/gen/core-v1.ts';
import { nodes } from '../../api/gen/resources.ts';
import { parseCidr } from '../../base/cidr.ts';
import type { Component } from '../../base/component.ts';
import { referenceTo } from '../../client/events.ts';
import type { ControllerContext } from '../runtime/context.ts';
import { createController, watching } from '../runtime/controller.ts';
import { createCidrPool } from './pool.ts';

/** Every node gets its share of each cluster network as `spec.podCIDRs`, and keeps it for life. */
export function createNodeIpamController(context: ControllerContext): Component {
  const { client, informers, settings } = context;
  const informer = informers.informer(nodes);
  const recorder = context.recorder('cidrAllocator');
  const pools = settings.clusterCidrs.map((cidr) => {
    const v6 = parseCidr(cidr)?.family === 6;
    return createCidrPool(cidr, v6 ? (settings.nodeMaskV6 ?? 64) : (settings.nodeMaskV4 ?? 24));
  });
  const cidrsOf = (node: Node): readonly string[] => node.spec?.podCIDRs ?? [];
  /** Handed out in this process; the informer may not show it yet. */
  const given = new Map<string, readonly string[]>();

  return createController({
    name: 'node-ipam',
    log: context.log.child('node-ipam'),
    workers: 1,
    watches: (queue) => [
      {
        ...watching(queue, informer, undefined, (node, old) => cidrsOf(node) !== cidrsOf(old)),
        delete(object) {
          const node = object as Node;
          const name = node.metadata.name ?? '';
          for (const cidr of given.get(name) ?? cidrsOf(node)) for (const pool of pools) pool.release(cidr);
          given.delete(name);
        },
      },
    ],
    onStart() {
      for (const node of informer.list()) {
        for (const cidr of cidrsOf(node)) for (const pool of pools) pool.occupy(cidr);
      }
    },
    async reconcile(name) {
      const node = informer.get(name);
      if (!node || pools.length === 0) return undefined;
      if (cidrsOf(node).length > 0) {
        for (const cidr of cidrsOf(node)) for (const pool of pools) pool.occupy(cidr);
        return undefined;
      }
      let cidrs = given.get(name);
      if (!cidrs) {
        const taken = pools.map((pool) => pool.take());
        const got = taken.filter((cidr) => cidr !== undefined);
        if (got.length < pools.length) {
          for (const cidr of got) for (const pool of pools) pool.release(cidr);
          const message = `Node ${name} status is now: CIDRNotAvailable`;
          recorder.event(referenceTo(nodes, node), 'Normal', 'CIDRNotAvailable', message);
          throw new Error(`no pod network is left for node ${name}`);
        }
        cidrs = got;
        given.set(name, cidrs);
      }
      const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: cidrs[0], podCIDRs: [...cidrs] } };
      informer.observe(await client.patch(nodes, name, { type: 'merge', body }));
      return undefined;
    },
  });
}
