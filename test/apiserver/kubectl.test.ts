import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { run } from '../../src/base/run.ts';
import { findKubectl } from './find-kubectl.ts';
import { startServer, type TestServer } from './start-server.ts';

const kubectl = await findKubectl();
const skip = kubectl === undefined ? 'this machine has no kubectl: run "npm test", which brings one' : false;

let server: TestServer;
before(async () => {
  if (!skip) server = await startServer({ store: 'sqlite' });
});
after(async () => {
  if (!skip) await server[Symbol.asyncDispose]();
});

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, KUBECONFIG: server.kubeconfig, HOME: server.folder });

/** What kubectl prints; its standard input is `input`. */
async function k(args: string, input?: string): Promise<string> {
  const words = (args.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''));
  const { stdout } = await run(kubectl as string, words, {
    env: environment(),
    timeoutMs: 30_000,
    ...(input === undefined ? {} : { input }),
  });
  return stdout.trim();
}

const refused = async (args: string, message: RegExp, input?: string): Promise<void> => {
  await assert.rejects(k(args, input), (error: Error) => {
    assert.match(error.message, message);
    return true;
  });
};

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1, ports: [{containerPort: 80}]}]}
`;

const each = (name: string, body: () => Promise<void>): void => void test(name, { skip, timeout: 60_000 }, body);

each('the version and the namespaces of a fresh server', async () => {
  assert.match(await k('version'), /Server Version: v1\.36\.3\+knarr1/);
  assert.equal(
    await k('get namespaces -o name'),
    'namespace/default\nnamespace/kube-node-lease\nnamespace/kube-public\nnamespace/kube-system',
  );
  assert.match(await k('get service kubernetes'), /kubernetes\s+ClusterIP\s+10\.43\.0\.1\s+<none>\s+443\/TCP/);
});

each('a config map is created, patched in three ways, shown and deleted', async () => {
  assert.equal(await k('create configmap a --from-literal=x=y'), 'configmap/a created');
  await refused('create configmap a', /configmaps "a" already exists/);
  await k(`patch configmap a --type=merge -p '{"data":{"m":"1"}}'`);
  await k(`patch configmap a --type=json -p '[{"op":"add","path":"/data/j","value":"2"}]'`);
  await k(`patch configmap a --type=strategic -p '{"data":{"s":"3"}}'`);
  assert.deepEqual(JSON.parse(await k("get configmap a -o jsonpath='{.data}'")), { x: 'y', m: '1', j: '2', s: '3' });
  assert.match(await k('get configmaps'), /NAME\s+DATA\s+AGE\na\s+4\s+\d+s/);
  assert.match(await k('describe configmap a'), /^Name:\s+a$/m);
  assert.equal(await k('delete configmap a'), 'configmap "a" deleted from default namespace');
  await refused('get configmap a', /configmaps "a" not found/);
});

each('a deployment is applied twice, scaled, changed by the server-side apply of another manager', async () => {
  assert.equal(await k('apply -f -', deployment), 'deployment.apps/web created');
  assert.equal(await k('apply -f -', deployment), 'deployment.apps/web unchanged');
  assert.equal(await k('scale deployment web --replicas 3'), 'deployment.apps/web scaled');
  assert.equal(await k("get deployment web -o jsonpath='{.spec.replicas} {.metadata.generation}'"), '3 2');
  await refused('apply --server-side --field-manager other -f -', /conflict.*\.spec\.replicas/s, deployment);
  await k('apply --server-side --force-conflicts --field-manager other -f -', deployment);
  assert.match(await k('get deployment web'), /web\s+0\/2\s+0\s+0/);
  assert.equal(await k('delete deployment web'), 'deployment.apps "web" deleted from default namespace');
});

each('unknown and duplicate fields are refused as upstream refuses them', async () => {
  const wrong = deployment.replace('replicas: 2', 'replicas: 2\n  replica: 3');
  await refused('create -f -', /strict decoding error: unknown field "spec\.replica"/, wrong);
  await refused(
    'create -f -',
    /spec\.selector: Required value/,
    deployment.replace('selector: {matchLabels: {app: web}}', ''),
  );
});

each('a watch sees what happens', async () => {
  const child = spawn(kubectl as string, ['get', 'secrets', '-w', '--no-headers', '--output-watch-events'], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen: string[] = [];
  const gone = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      seen.push(
        ...chunk
          .toString()
          .trim()
          .split('\n')
          .map((line) => line.replaceAll(/\s+/g, ' ')),
      );
      if (seen.at(-1)?.startsWith('DELETED')) resolve();
    });
  });
  try {
    await k('create secret generic w --from-literal=a=b');
    // The watch may have begun after the creation: it then shows the secret as added all the same.
    await k('label secret w a=b');
    await k('delete secret w');
    await Promise.race([
      gone,
      new Promise((_, reject) => setTimeout(() => reject(new Error(`seen: ${seen}`)), 10_000)),
    ]);
    assert.match(seen.at(-1) ?? '', /^DELETED w Opaque/);
  } finally {
    child.kill();
  }
});

each('rights: a bound user reads, does not write, and cannot grant what he does not hold', async () => {
  await k('create namespace rights');
  await k('create rolebinding bob -n rights --clusterrole=view --user=bob');
  assert.equal(await k('get configmaps -n rights --as bob -o name'), '');
  await refused(
    'create configmap x -n rights --as bob',
    /User "bob" cannot create resource "configmaps" in API group "" in the namespace "rights"/,
  );
  await refused('get nodes --as bob', /User "bob" cannot list resource "nodes" in API group "" at the cluster scope/);
  await k('create clusterrole binder --verb=create --resource=rolebindings.rbac.authorization.k8s.io');
  await k('create clusterrolebinding binder --clusterrole=binder --user=bob');
  await refused(
    'create rolebinding more -n rights --clusterrole=edit --user=bob --as bob',
    /attempting to grant RBAC permissions not currently held/,
  );
  assert.equal(await k('auth can-i list pods -n rights --as bob'), 'yes');
});

each('a service account gets a token, and the token is its identity', async () => {
  await k('create serviceaccount robot');
  const token = await k('create token robot');
  const { stdout } = await run(
    kubectl as string,
    ['auth', 'whoami', '-o', 'json', '--server', server.url, '--token', token, '--insecure-skip-tls-verify'],
    {
      env: { ...process.env, KUBECONFIG: '/dev/null', HOME: server.folder },
    },
  );
  const { userInfo } = JSON.parse(stdout).status;
  assert.equal(userInfo.username, 'system:serviceaccount:default:robot');
  await k('delete serviceaccount robot');
});

each('what is served can be listed and explained', async () => {
  assert.match(await k('api-resources --api-group=apps'), /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
  assert.match(await k('explain deployment.spec.replicas'), /FIELD: replicas <integer>/);
  assert.match(await k('get --raw /readyz?verbose'), /readyz check passed/);
});
