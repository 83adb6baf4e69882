import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnarrError } from '../../base/errors.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Image } from '../../cri/types.ts';
import { testPod } from '../testing.ts';
import { credentialsFor } from './credentials.ts';
import { createImageCollector } from './image-gc.ts';
import { createImagePuller } from './puller.ts';
import { repositoryOf, withDefaultTag } from './reference.ts';

const image = (id: string, pinned = false): Image => ({
  id,
  repoTags: [],
  repoDigests: [],
  size: 10,
  uid: null,
  username: '',
  pinned,
});

test('references', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  assert.deepStrictEqual(['busybox', 'a.b:5000/x/y', 'x:1', `x@${digest}`, 'UPPER', 'x:1:2', ''].map(withDefaultTag), [
    'busybox:latest',
    'a.b:5000/x/y:latest',
    'x:1',
    `x@${digest}`,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepStrictEqual(['busybox:1', 'me/app', 'reg.test:5000/a/b:2', 'localhost/x'].map(repositoryOf), [
    'docker.io/library/busybox',
    'docker.io/me/app',
    'reg.test:5000/a/b',
    'localhost/x',
  ]);
});

test('credentials: the most specific that fits comes first, wildcards fit one label', () => {
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  const config = {
    auths: {
      'https://index.docker.io/v1/': auth('hub:1'),
      'reg.test': auth('u:p:x'),
      'reg.test/team': auth('t:2'),
      '*.test': auth('w:3'),
    },
  };
  const secret = {
    metadata: {},
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') },
  };
  const users = (name: string) => credentialsFor(name, [secret]).map((c) => `${c.username}:${c.password}`);
  assert.deepStrictEqual(users('reg.test/team/app:1'), ['t:2', 'u:p:x', 'w:3']);
  assert.deepStrictEqual(users('busybox'), ['hub:1']);
  assert.deepStrictEqual(users('a.b.test/x'), []);
});

test('of images go those that are neither used nor pinned nor new, the longest unused first', async () => {
  let now = 1_000_000;
  let images = [image('used'), image('pinned', true), image('recent'), image('old')];
  const removed: string[] = [];
  const collector = createImageCollector({
    runtime: {
      listImages: async () => images,
      listContainers: async () => [{ imageId: 'used', imageRef: '', image: { image: '' } }],
      removeImage: async (spec: { image: string }) => void removed.push(spec.image),
    } as unknown as ContainerRuntime,
    lastUsed: new Map([
      ['recent', 700_000],
      ['old', 500_000],
    ]),
    minAgeMs: 120_000,
    now: () => now,
  });
  await collector.detect();
  images = [...images, image('imported')];
  now += 10_000;
  assert.equal(await collector.free(11), 20);
  assert.deepStrictEqual(removed.splice(0), ['old', 'recent']);
  images = [image('imported'), image('again')];
  now += 119_000;
  assert.equal(await collector.free(Number.POSITIVE_INFINITY), 0);
  now += 2_000;
  assert.equal(await collector.free(Number.POSITIVE_INFINITY), 10);
  assert.deepStrictEqual(removed, ['imported']);
});

test('a pull that fails waits longer each time, and says so', async () => {
  let now = 0;
  let pulls = 0;
  const events: string[] = [];
  const runtime = {
    imageStatus: async () => undefined,
    async pullImage() {
      pulls++;
      throw new KnarrError({
        code: 'cri-not-found',
        blame: 'world',
        message: 'no such image',
        details: { grpcName: 'NOT_FOUND' },
      });
    },
  } as unknown as ContainerRuntime;
  const puller = createImagePuller({ runtime, now: () => now });
  const ensure = () =>
    puller.ensure({
      pod: testPod(),
      image: 'reg.test/x',
      policy: 'IfNotPresent',
      sandbox: {} as never,
      runtimeHandler: '',
      secrets: async () => [],
      event: (_, reason) => events.push(reason),
    });
  await assert.rejects(ensure(), {
    reason: 'ErrImagePull',
    message: 'rpc error: code = NotFound desc = no such image',
  });
  await assert.rejects(ensure(), { reason: 'ImagePullBackOff', retryMs: 10_000 });
  now = 10_000;
  await assert.rejects(ensure(), { reason: 'ErrImagePull' });
  await assert.rejects(ensure(), { reason: 'ImagePullBackOff', retryMs: 20_000 });
  assert.equal(pulls, 2);
  assert.deepStrictEqual(events, ['Pulling', 'Failed', 'BackOff', 'Pulling', 'Failed', 'BackOff']);
});
