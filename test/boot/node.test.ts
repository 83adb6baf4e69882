import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { until } from '../../images/machine/cluster.ts';
import { demoImage } from '../../images/machine/demo-image.ts';
import type { Machine } from '../../images/machine/machine.ts';
import { nodePrograms } from '../../images/tools/paths.ts';
import { type Kubectl, patienceMs, testImage, testMachine, untilReady } from '../harness/vm.ts';

// One machine goes through all of these in order: a boot is dear.
let machine: Machine;
let kubectl: Kubectl;

before(async () => {
  machine = await testMachine({
    name: 'node',
    image: await testImage(),
    config: {
      hostname: 'first',
      write_files: [{ path: '/etc/rancher/k3s/config.yaml', content: 'write-kubeconfig-mode: "0600"\n' }],
      run_cmd: ['echo the commands ran > /var/lib/ran'],
      // the mistake is meant: the machine must say so and go on
      k3os: { labels: { 'example.com/room': 'cellar' }, sysctls: { 'kernel.panic': '7' }, tocken: 'x' } as object,
    },
  });
});

after(async () => {
  if (process.env.KNARR_KEEP === undefined) await machine?.remove();
});

test('the image boots and its node becomes Ready', async () => {
  await machine.start();
  kubectl = await untilReady(machine);
  assert.match(await kubectl.run('get', 'nodes', '-o', 'wide'), /first\s+Ready/);
});

test('the cloud-config is applied, and its mistake is on the console with file, line and key', async () => {
  assert.match(await machine.console(), /user-data:\d+:\d+: k3os\.tocken: unknown key, left out \(is token meant\?\)/);
  assert.equal(
    await kubectl.run('get', 'node', 'first', '-o', 'jsonpath={.metadata.labels.example\\.com/room}'),
    'cellar',
  );
  const { stdout } = await machine.ssh(
    'cat /proc/sys/kernel/hostname /proc/sys/kernel/panic /var/lib/ran; findmnt -no FSTYPE,OPTIONS /',
  );
  const [hostname, panic, ran, root] = stdout.trim().split('\n');
  assert.deepStrictEqual([hostname, panic, ran], ['first', '7', 'the commands ran']);
  assert.match(root ?? '', /^erofs\s+ro,/);
});

/** What a pod of its own gets when it asks `http://host:port/`. */
const fetchFromPod = (host: string, port: number): Promise<string> =>
  kubectl.run('exec', 'asker', '--', 'sh', '-c', `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 20 ${host} ${port}`);

test('a Deployment is reached through its Service, by address and by name, from another pod', async () => {
  await kubectl.run('create', 'deployment', 'web', `--image=${demoImage}`, '--port=8080');
  await kubectl.run('expose', 'deployment', 'web', '--port=80', '--target-port=8080');
  const limits = { cpu: '500m', memory: '64Mi' };
  const asker = { name: 'asker', image: demoImage, command: ['sleep', '100000'], resources: { limits } };
  const overrides = JSON.stringify({ spec: { containers: [asker] } });
  await kubectl.run('run', 'asker', `--image=${demoImage}`, `--overrides=${overrides}`);
  await kubectl.run('rollout', 'status', 'deployment/web', '--timeout=600s');
  await kubectl.run('wait', '--for=condition=Ready', 'pod/asker', '--timeout=600s');
  const address = await kubectl.run('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  for (const host of [address, 'web', 'web.default.svc.cluster.local']) {
    const answer = await until(`an answer from ${host}`, patienceMs, async () => {
      const text = await fetchFromPod(host, 80);
      return text.includes('hello from knarr') ? text : undefined;
    });
    assert.match(answer, /200 OK/);
  }
});

test('kubectl logs, exec and port-forward', async () => {
  assert.match(await kubectl.run('logs', 'deployment/web'), /url:\/|response:200/);
  assert.equal(
    (await kubectl.run('exec', 'deployment/web', '--', 'cat', '/www/index.html')).trim(),
    'hello from knarr',
  );
  const forward = spawn(nodePrograms.kubectl, ['port-forward', 'deployment/web', ':8080'], { env: kubectl.env });
  try {
    const [line] = (await once(forward.stdout, 'data')) as [Buffer];
    const port = /127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1];
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal((await response.text()).trim(), 'hello from knarr');
  } finally {
    forward.kill();
  }
});

test('the limits of a pod are those of its systemd slice and of the scope in it', async () => {
  const uid = await kubectl.run('get', 'pod', 'asker', '-o', 'jsonpath={.metadata.uid}');
  const slice = `/sys/fs/cgroup/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice`;
  const { stdout } = await machine.ssh(
    `cd ${slice} && cat memory.max cpu.max cri-containerd-*.scope/memory.max && systemctl show -P MemoryMax ${slice.split('/').at(-1)}`,
  );
  const [memory, cpu, ...others] = stdout.trim().split('\n');
  assert.deepStrictEqual([memory, cpu], ['67108864', '50000 100000']);
  assert.ok(others.includes('67108864'), stdout);
});

test('a configuration that nobody confirms goes back by itself; a changed file is applied', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG somebody';
  const keys = async (): Promise<string> => (await machine.ssh('sudo cat /run/knarr/ssh/rancher')).stdout;
  const file = '/var/lib/rancher/k3os/config.yaml';
  await machine.ssh(`echo 'ssh_authorized_keys: ["${key}"]' > try.yaml; sudo knarr config try --for 10s try.yaml`);
  assert.match(await keys(), /somebody/);
  await until('the way back', patienceMs, async () => ((await keys()).includes('somebody') ? undefined : true));
  assert.match((await machine.ssh('sudo cat /var/lib/knarr/config/outcome.json')).stdout, /not confirmed in time/);
  await machine.ssh(`sudo test ! -e ${file} && sudo cp try.yaml ${file}`);
  await until('the file to be applied', patienceMs, async () =>
    (await keys()).includes('somebody') ? true : undefined,
  );
});

test('a configuration that cuts the machine off from its network does not survive its trial', async () => {
  const wrong = "network: {ethernets: {all: {match: {name: 'e*'}, addresses: [192.0.2.9/24], gateway4: 192.0.2.1}}}";
  // the log-in ends with the network
  await machine.ssh(
    `echo "${wrong}" > wrong.yaml; sudo systemd-run --quiet knarr config try --keep-when-healthy --for 45s --id cut-off --as wrong $PWD/wrong.yaml`,
  );
  const outcome = await until('the machine to be reached again', patienceMs, async () => {
    const { stdout } = await machine.ssh('sudo cat /var/lib/knarr/config/outcome.json', 30_000);
    return stdout.includes('"id":"cut-off"') ? stdout : undefined;
  });
  // where everything takes its time, the timer may have been first
  assert.match(
    outcome,
    /"result":"returned".*(no gateway answers any more; before: 10\.0\.2\.2|not confirmed in time)/,
  );
  assert.equal((await machine.ssh('sudo ls /var/lib/rancher/k3os/config.d')).stdout, '');
});

/** Prints what must never change in the life of a machine. */
const identity = "cat /etc/machine-id; sudo sh -c 'sha256sum /var/lib/knarr/ssh/*'";

test('after a power cut everything is still there', async () => {
  await kubectl.run('create', 'configmap', 'kept', '--from-literal=a=b');
  const token = await kubectl.run('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}');
  const before = (await machine.ssh(identity)).stdout;
  await machine.powerCut();
  await machine.start();
  kubectl = await untilReady(machine);
  assert.equal(await kubectl.run('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b');
  assert.equal(await kubectl.run('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}'), token);
  assert.equal((await machine.ssh(identity)).stdout, before);
  await kubectl.run('wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=600s');
  await until('an answer after the power cut', patienceMs, async () =>
    (await fetchFromPod('web', 80)).includes('hello from knarr') ? true : undefined,
  );
});

test('what was made is deleted again', async () => {
  await kubectl.run('delete', 'deployment/web', 'service/web', 'pod/asker', '--timeout=300s');
  await until('no pods', patienceMs, async () =>
    (await kubectl.run('get', 'pods', '-o', 'name')) === '' ? true : undefined,
  );
});
