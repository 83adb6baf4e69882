import { after, before, type TestContext, test } from 'node:test';
import { eventually } from '../../src/base/eventually.ts';
import type { TestCluster } from './cluster.ts';
import { createTestCluster } from './cluster.ts';
import { busyboxImage } from './images.ts';
import { whyNoNodes } from './programs.ts';

/** One cluster for the tests of a file: made before the first, taken down after the last, its log shown on failure. */
export interface Scenario {
  readonly cluster: TestCluster;
  /** A test on this cluster; skipped with the reason where nodes cannot run. */
  test(name: string, body: (cluster: TestCluster, t: TestContext) => Promise<void>): void;
}

export async function scenario(
  options: { serverArgs?: readonly string[]; withNode?: boolean } = {},
): Promise<Scenario> {
  const skip = await whyNoNodes();
  let cluster: TestCluster | undefined;
  let failed = false;
  before(async () => {
    if (skip !== undefined) return;
    cluster = await createTestCluster(options);
    await nodeReady(cluster, 'one').catch((error: unknown) => {
      failed = true;
      throw error;
    });
  });
  after(async () => {
    if (failed && cluster !== undefined)
      for (const node of cluster.nodes)
        process.stderr.write(`--- log of ${node.name}\n${(await node.log()).split('\n').slice(-150).join('\n')}\n`);
    await cluster?.close();
  });
  const current = (): TestCluster => {
    if (cluster === undefined) throw new Error('the cluster could not be started');
    return cluster;
  };
  return {
    get cluster() {
      return current();
    },
    test(name, body) {
      test(name, { skip: skip ?? false, timeout: 180_000 }, async (t) => {
        try {
          await body(current(), t);
        } catch (error) {
          failed = true;
          throw error;
        }
      });
    },
  };
}

export const nodeReady = (cluster: TestCluster, name: string, timeout = '60s'): Promise<void> =>
  eventually(`node ${name} to be ready`, async () => {
    await cluster.kubectl('wait', '--for=condition=Ready', `node/${name}`, `--timeout=${timeout}`);
  });

/** `kubectl apply -f -` of an object or several. */
export async function apply(cluster: TestCluster, ...objects: object[]): Promise<void> {
  const items = { apiVersion: 'v1', kind: 'List', items: objects };
  await cluster.server.exec('kubectl', ['--kubeconfig', '/etc/rancher/k3s/k3s.yaml', 'apply', '-f', '-'], {
    input: JSON.stringify(items),
  });
}

interface PodOptions {
  command?: readonly string[];
  node?: string;
  labels?: Record<string, string>;
  /** Merged into the container. */
  container?: object;
  /** Merged into the pod's spec. */
  spec?: object;
}

/** A pod of busybox that sleeps unless told otherwise, and goes away at once when deleted. */
export const pod = (name: string, options: PodOptions = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name, ...options.labels } },
  spec: podSpec(options),
});

export const podSpec = ({ command = ['sleep', '3600'], node, container, spec }: PodOptions = {}): object => ({
  terminationGracePeriodSeconds: 0,
  ...(node === undefined ? {} : { nodeName: node }),
  containers: [{ name: 'main', image: busyboxImage, imagePullPolicy: 'Never', command, ...container }],
  ...spec,
});

/** A shell command that answers every connection to `port` with `answer`. */
export const serve = (port: number, answer: string): readonly string[] => [
  'sh',
  '-c',
  `while true; do echo ${answer} | nc -l -p ${port} >/dev/null; done`,
];

export const podReady = (cluster: TestCluster, name: string, timeout = '60s'): Promise<string> =>
  cluster.kubectl('wait', '--for=condition=Ready', `pod/${name}`, `--timeout=${timeout}`);

/** What `command` prints in a running pod. */
export const inPod = (cluster: TestCluster, name: string, ...command: string[]): Promise<string> =>
  cluster.kubectl('exec', name, '--', ...command);

/** Asks host:port from a pod until it answers. */
export const askFrom = (cluster: TestCluster, name: string, host: string, port: number): Promise<string> =>
  eventually(
    `${host}:${port} to answer ${name}`,
    async () => {
      const answer = await inPod(cluster, name, 'sh', '-c', `nc -w 2 ${host} ${port} </dev/null`);
      if (answer.trim() === '') throw new Error('an empty answer');
      return answer.trim();
    },
    30_000,
  );
