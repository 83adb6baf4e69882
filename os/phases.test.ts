import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Host } from '../cloud-config/host.ts';
import { boot, runPhases } from './phases.ts';

/** A machine that is a folder: what would be run is written down, and ssh-keygen makes its files. */
async function folderMachine(t: TestContext, config: string): Promise<{ host: Host; ran: string[] }> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-os-'));
  t.after(() => rm(root, { recursive: true }));
  const ran: string[] = [];
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  };
  await put('/proc/cmdline', 'root=PARTLABEL=x k3os.labels[a/b]=c\n');
  await put('/proc/self/mountinfo', '1 0 0:1 / / ro - erofs a ro\n2 1 0:2 / /var rw - ext4 b rw\n');
  await put('/proc/sys/kernel/hostname', '');
  await put('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  await put('/etc/passwd', 'root:x:0:0::/root:/bin/sh\n');
  await put('/etc/shadow', 'root:*:1::::::\nrancher:!*:1::::::\n');
  await put('/usr/lib/os-release', 'VERSION_ID="9.9"\n');
  await put('/var/lib/rancher/k3os/config.yaml', config);
  const host: Host = {
    path: (path) => join(root, path),
    run: async (program, args) => {
      ran.push([program, ...args].join(' '));
      const made = args.at(-1);
      if (program === 'ssh-keygen' && made !== undefined) {
        await writeFile(made, 'private');
        await writeFile(`${made}.pub`, 'public');
      }
      return { code: 0, stdout: '', stderr: '' };
    },
  };
  return { host, ran };
}

test('a boot applies what is right and says what is wrong', async (t) => {
  const { host } = await folderMachine(
    t,
    `hostname: Node-1
ssh_authorized_keys: [ssh-ed25519 AAAA me]
write_files:
- {path: /etc/motd, content: aGVsbG8=, encoding: b64, permissions: '0640'}
- {path: relative, content: x}
k3os:
  token: secret
  server_url: https://10.0.0.1:6443
  taints: [k=v:NoExecute]
  k3s_args: [--node-ip, 10.0.0.2]
  password: $6$salt$hash
  nonsense: 1
run_cmd: [date]
`,
  );
  const said: string[] = [];
  const taken = await runPhases(boot, { host, config: {}, say: (text) => void said.push(text) });
  const read = (path: string): Promise<string> => readFile(host.path(path), 'utf8');
  assert.deepStrictEqual(
    taken.filter(({ failed }) => failed).map(({ name }) => name),
    [],
  );
  assert.deepStrictEqual(said, [
    'cloud-config: /var/lib/rancher/k3os/config.yaml:5:10: write_files[1].path: must be the path of a file, which begins with /, not "relative"; write_files[1] is left out with it',
    'cloud-config: /var/lib/rancher/k3os/config.yaml:12:3: k3os.nonsense: unknown key, left out',
  ]);
  assert.equal(await read('/etc/hostname'), 'node-1\n');
  assert.equal(await read('/etc/motd'), 'hello');
  assert.equal((await stat(host.path('/etc/motd'))).mode & 0o777, 0o640);
  assert.equal(await read('/run/knarr/ssh/rancher'), 'ssh-ed25519 AAAA me\n');
  assert.match(await read('/etc/shadow'), /^rancher:\$6\$salt\$hash:1/m);
  assert.equal(await read('/run/knarr/knarr.env'), "KNARR_ROLE=agent\nKNARR_ARGUMENTS='--node-ip 10.0.0.2'\n");
  assert.equal(
    await read('/etc/rancher/k3s/config.yaml.d/50-cloud-config.yaml'),
    `server: https://10.0.0.1:6443
token: secret
node-label+:
  - k3os.io/mode=disk
  - k3os.io/version=9.9
  - a/b=c
node-taint+:
  - k=v:NoExecute
`,
  );
  assert.equal(await read('/run/knarr/run-commands'), '["date"]');
  assert.equal(await read('/var/lib/knarr/ssh/ssh_host_ed25519_key'), 'private');
});

test('host keys are made once; without a name the machine is called after its id; without a server it is one', async (t) => {
  const { host, ran } = await folderMachine(t, '');
  const machine = { host, config: {}, say: () => {} };
  await runPhases(boot, machine);
  await runPhases(boot, machine);
  assert.equal(ran.filter((line) => line.startsWith('ssh-keygen')).length, 1);
  assert.equal(await readFile(host.path('/etc/hostname'), 'utf8'), 'knarr-012345\n');
  assert.match(await readFile(host.path('/run/knarr/knarr.env'), 'utf8'), /^KNARR_ROLE=server$/m);
});
