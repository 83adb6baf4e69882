import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerdSettings, containerdConfig } from './config.ts';
import { hostsToml, registryAuth } from './registries.ts';

const settings: ContainerdSettings = {
  major: 1,
  root: '/root',
  state: '/state',
  socket: '/sock',
  pauseImage: 'pause:1',
  snapshotter: 'overlayfs',
  defaultRuntime: 'runc',
  cniConfDir: '/conf',
  cniBinDir: '/bin',
  registryHosts: '/certs.d',
  registryAuth: new Map([['r.example', { username: 'u', password: 'p' }]]),
  systemdCgroup: true,
  restrictOomScore: true,
  selinux: false,
  nonrootDevices: false,
  runtimes: new Map([['crun', '/usr/bin/crun']]),
};

test('containerd 1.7 gets version 2 with everything in the CRI plugin', () => {
  const text = containerdConfig(settings);
  for (const line of [
    'version = 2',
    'oom_score = 0',
    'sandbox_image = "pause:1"',
    'restrict_oom_score_adj = true',
    '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]',
    'BinaryName = "/usr/bin/crun"',
    '[plugins."io.containerd.grpc.v1.cri".registry.configs."r.example".auth]',
  ])
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
});

test('containerd 2 gets version 3 with images and runtime apart', () => {
  const text = containerdConfig({ ...settings, major: 2, restrictOomScore: false });
  for (const line of [
    'version = 3',
    'oom_score = -999',
    '[plugins."io.containerd.cri.v1.images".pinned_images]',
    'sandbox = "pause:1"',
    'bin_dirs = ["/bin"]',
    '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]',
  ])
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
});

const registries = {
  mirrors: {
    'docker.io': { endpoint: ['https://m.example:5000', 'http://n.example/v2/hub'] },
    '*': { endpoint: ['https://all'] },
  },
  configs: { 'm.example:5000': { auth: { username: 'u' }, tls: { ca_file: '/ca', insecure_skip_verify: true } } },
};

test('mirrors come in their order, the registry itself last', () => {
  assert.equal(
    hostsToml('docker.io', registries, true),
    `server = "https://registry-1.docker.io"

[host."https://m.example:5000"]
capabilities = ["pull", "resolve"]
skip_verify = true
ca = ["/ca"]

[host."http://n.example/v2/hub"]
capabilities = ["pull", "resolve"]
override_path = true
`,
  );
});

test('without the default endpoint the last mirror is the last that is asked', () => {
  assert.match(hostsToml('docker.io', registries, false), /^server = "http:\/\/n.example\/v2\/hub"\n/);
  assert.match(hostsToml('*', registries, true), /^\n\[host."https:\/\/all"\]/);
});

test('credentials go to containerd itself', () => {
  assert.deepEqual([...registryAuth(registries)], [['m.example:5000', { username: 'u' }]]);
});
