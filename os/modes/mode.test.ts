import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applies, modeOf, typeOfMount } from './mode.ts';

const disk = { rootType: 'erofs', varType: 'ext4' };
const medium = { rootType: 'erofs', varType: 'tmpfs' };
const folder = { rootType: 'ext4', varType: 'ext4' };

for (const [line, started, mode] of [
  ['quiet', disk, 'disk'],
  ['quiet', medium, 'live'],
  ['quiet', folder, 'local'],
  ['k3os.mode=install', medium, 'install'],
  ['k3os.mode=live knarr.mode=rescue', disk, 'rescue'],
  ['knarr.mode=shell', disk, 'shell'],
  ['k3os.fallback_mode=install', medium, 'install'],
  ['k3os.fallback_mode=install', disk, 'disk'],
  ['k3os.fallback_mode=nonsense', medium, 'live'],
] as const)
  test(`${line} on ${started.rootType} with /var on ${started.varType} is ${mode}`, () =>
    assert.deepStrictEqual(modeOf(line, started), { mode }));

test('a mode that does not exist is reported, and how the machine was started counts', () =>
  assert.deepStrictEqual(modeOf('k3os.mode=disc', disk), {
    mode: 'disk',
    problem: 'there is no mode "disc": disk, live, install, local, shell, rescue; this is disk',
  }));

test('of several mounts on a path the last counts; a path without one is part of /', () => {
  const text =
    '21 1 254:0 / / ro - erofs /dev/dm-0 ro\n22 21 0:30 / /var rw - tmpfs var rw\n23 21 254:4 / /var rw,noatime - ext4 /dev/vda4 rw\n';
  assert.deepStrictEqual(
    [typeOfMount(text, '/'), typeOfMount(text, '/var'), typeOfMount(text, '/home')],
    ['erofs', 'ext4', 'erofs'],
  );
});

test('a machine that installs itself has a network and people, but is no node', () =>
  assert.deepStrictEqual(
    ['network', 'ssh_authorized_keys', 'k3os', 'run_cmd'].map((key) => applies('install', key)),
    [true, true, false, false],
  ));
