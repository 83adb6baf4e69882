import { pods } from '../../src/api/gen/resources.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { busyboxImage } from '../harness/images.ts';

// Runs inside a node's namespaces: prints how many seconds each of N pods took from create to Ready, as JSON.

const namespace = 'default';

async function startOne(client: Client, name: string): Promise<number> {
  const ending = new AbortController();
  const begun = performance.now();
  const made = await client.create(
    pods,
    {
      metadata: { name, namespace },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: busyboxImage, imagePullPolicy: 'Never', command: ['sleep', '3600'] }],
      },
    },
    { namespace },
  );
  const options = { namespace, resourceVersion: made.metadata.resourceVersion, signal: ending.signal };
  for await (const { object } of client.watch(pods, { ...options, fieldSelector: `metadata.name=${name}` }))
    if (object.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) break;
  const seconds = (performance.now() - begun) / 1000;
  ending.abort();
  await client.delete(pods, name, { namespace, gracePeriodSeconds: 0 });
  return seconds;
}

const transport = createHttpTransport(await loadKubeconfig('/etc/rancher/k3s/k3s.yaml'));
const client = createClient(transport);
const times: number[] = [];
for (let i = 0; i < Number(process.argv[2] ?? 10); i++) times.push(await startOne(client, `start-${i}`));
transport.close();
process.stdout.write(JSON.stringify(times));
