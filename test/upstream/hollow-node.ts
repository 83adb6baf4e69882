import type { Node, Pod } from '../../src/api/gen/core-v1.ts';
import { nodes, pods } from '../../src/api/gen/resources.ts';
import type { Component } from '../../src/base/component.ts';
import type { Client } from '../../src/client/client.ts';
import { createInformer } from '../../src/client/informer.ts';
import { createLeaseKeeper } from '../../src/client/lease.ts';

/** A container of this image is never started. */
const never = 'starts-never';

/** Containers of an image with one of these names end at once with this code; all others run. */
const exits: Readonly<Record<string, number>> = { succeeds: 0, fails: 1 };

const now = (): string => `${new Date().toISOString().slice(0, -5)}Z`;

function statusOf(pod: Pod, podIP: string): object {
  const codes = (pod.spec?.containers ?? []).map((container) => exits[container.image ?? '']);
  const ended = codes.every((code) => code !== undefined);
  const failed = codes.some((code) => code === 1);
  const condition = (type: string, status: boolean): object => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime: now(),
  });
  return {
    phase: ended ? (failed ? 'Failed' : 'Succeeded') : 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now(),
    conditions: [condition('Initialized', true), condition('Ready', !ended), condition('ContainersReady', !ended)],
    containerStatuses: (pod.spec?.containers ?? []).map(({ name, image }, index) => ({
      name,
      image,
      imageID: '',
      ready: !ended,
      restartCount: 0,
      state: ended
        ? { terminated: { exitCode: codes[index], reason: failed ? 'Error' : 'Completed', finishedAt: now() } }
        : { running: { startedAt: now() } },
    })),
  };
}

/** A node whose pods run in word only: enough for everybody who looks at nodes and pods through the API. */
export function createHollowNode(options: { client: Client; name: string; subnet: string }): Component {
  const { client, name, subnet } = options;
  const lease = createLeaseKeeper({ client, namespace: 'kube-node-lease', name, holder: name, durationSeconds: 40 });
  const told = new Set<string>();
  const informer = createInformer({ client, resource: pods, fieldSelector: `spec.nodeName=${name}` });
  let addresses = 0;

  const follow = (pod: Pod): void => {
    const { name: podName = '', namespace, uid = '', deletionTimestamp } = pod.metadata;
    // What is refused here was overtaken by a newer state, which comes next.
    const ignore = (): void => {};
    if (deletionTimestamp !== undefined) {
      void client.delete(pods, podName, { namespace, gracePeriodSeconds: 0, preconditions: { uid } }).catch(ignore);
      return;
    }
    if (told.has(uid) || pod.spec?.containers.some(({ image }) => image === never)) return;
    told.add(uid);
    const body = { metadata: { uid }, status: statusOf(pod, `${subnet}.${(addresses++ % 250) + 2}`) };
    void client.patch(pods, podName, { type: 'strategic', body }, { namespace, subresource: 'status' }).catch(ignore);
  };

  return {
    name: `hollow node ${name}`,
    async start() {
      const room = { cpu: '16', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' };
      const status: Node['status'] = {
        capacity: room,
        allocatable: room,
        addresses: [{ type: 'InternalIP', address: `${subnet}.1` }],
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'KubeletReady',
            lastHeartbeatTime: now(),
            lastTransitionTime: now(),
          },
        ],
      };
      const labels = { 'kubernetes.io/hostname': name };
      const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
      await client.create(nodes, { metadata: { name, labels, annotations } });
      await client.patch(nodes, name, { type: 'strategic', body: { status } }, { subresource: 'status' });
      await lease.start();
      informer.addHandler({ add: follow, update: follow });
      informer.start();
    },
    async stop() {
      await informer.stop().catch(() => {});
      await lease.stop();
    },
  };
}
