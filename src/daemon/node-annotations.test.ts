import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAnnotations, startedWith } from './node-annotations.ts';

test('a node tells how it was started, without its secrets', () => {
  const started = startedWith({
    role: 'server',
    commandLine: new Map([
      ['token', ['geheim']],
      ['disable', ['traefik', 'servicelb']],
    ]),
    file: new Map([
      ['token', ['other']],
      ['debug', ['true']],
    ]),
    env: { K3S_TOKEN: 'geheim', K3S_URL: 'https://a:6443', PATH: '/bin' },
  });
  const annotations = nodeAnnotations({ nodeName: 'one', internalIps: ['10.0.0.1'], externalIps: [], started });
  const { 'k3s.io/node-config-hash': hash, ...others } = annotations;
  assert.match(hash ?? '', /^[A-Z2-7]{52}={4}$/);
  assert.deepEqual(others, {
    'k3s.io/hostname': 'one',
    'k3s.io/internal-ip': '10.0.0.1',
    'k3s.io/node-args':
      '["server","--token","********","--disable","traefik","--disable","servicelb","--debug","true"]',
    'k3s.io/node-env': '{"K3S_TOKEN":"********","K3S_URL":"https://a:6443"}',
  });
});
