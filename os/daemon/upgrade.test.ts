import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../cloud-config/host.ts';
import { run } from '../../src/base/run.ts';
import { type Pending, upgradeState } from '../../src/daemon/upgrade/state.ts';
import { nameOfVersion } from '../../src/daemon/version.ts';
import { writeTar } from '../../src/wire/tar.ts';
import { signManifest } from '../update/manifest.ts';
import { parseDaemonManifest } from './manifest.ts';
import { daemonGivenUp, daemonStore } from './store.ts';
import { judgeDaemonAfterCut, upgradeDaemon } from './upgrade.ts';

const keys = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

interface Machine {
  host: Host;
  root: string;
  /** What was said to systemd. */
  said: string[];
  update(version: string): Promise<string>;
}

async function withMachine(work: (machine: Machine) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'knarr-daemon-'));
  const said: string[] = [];
  const put = async (path: string, data: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), data);
  };
  try {
    await put('usr/lib/os-release', 'ID=knarr\nVERSION_ID="1.36.3"\n');
    await put('usr/lib/knarr/update-keys/a.pem', keys.publicKey);
    await work({
      root,
      said,
      host: {
        path: (path) => join(root, path),
        async run(program, args, options) {
          if (program === 'tar') return run(program, args, options);
          if (program === 'systemctl') said.push(args.slice(0, args[0] === 'list-units' ? 1 : 2).join(' '));
          return { code: 0, stdout: '', stderr: '' };
        },
      },
      async update(version) {
        const tar = writeTar([{ type: 'file', path: './knarr.mjs', data: Buffer.from(version), mode: 0o755 }]);
        const manifest = {
          format: 'knarr-daemon/1',
          version,
          arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
          kubernetes: 'v1.36.4',
          builtAt: 0,
          files: [
            {
              role: 'daemon',
              name: 'daemon.tar',
              size: tar.length,
              sha256: createHash('sha256').update(tar).digest('hex'),
            },
          ],
        };
        const bytes = Buffer.from(JSON.stringify(manifest));
        await put(`updates/${version}/manifest.json`, bytes);
        await put(`updates/${version}/manifest.json.sig`, signManifest(bytes, keys.privateKey));
        await put(`updates/${version}/daemon.tar`, tar);
        return join(root, 'updates', version);
      },
    });
  } finally {
    await rm(root, { recursive: true });
  }
}

const silent = (): void => {};
const asked = { tries: 3, deadlineSeconds: 60, force: false, checkOnly: false };
const upgrade = ({ host }: Machine, from: string, reasons: readonly string[] = []) =>
  upgradeDaemon(
    host,
    from,
    asked,
    () => {},
    async () => reasons,
  );
const chosen = async ({ root }: Machine): Promise<string> =>
  readFile(join(root, 'var/lib/knarr/daemon/current/knarr.mjs'), 'utf8').catch(() => 'the image’s own');

test('a daemon is tried and kept; the next one that is not well is replaced by it', () =>
  withMachine(async (machine) => {
    const { host, root, said } = machine;
    const kept = await upgrade(machine, await machine.update('2'));
    assert.partialDeepStrictEqual(kept, { result: 'kept', from: nameOfVersion, to: '2' });
    assert.equal(await chosen(machine), '2');
    assert.deepStrictEqual(said, ['list-units', 'stop knarr.service', 'start --no-block']);
    assert.deepStrictEqual((await readdir(join(root, 'var/lib/knarr/daemon'))).sort(), ['2', 'current']);
    assert.equal(await readFile(join(root, 'var/lib/knarr/daemon/2/image'), 'utf8'), '1.36.3\n');

    const back = await upgrade(machine, await machine.update('3'), ['api: no answer']);
    assert.partialDeepStrictEqual(back, { result: 'returned', from: '2', to: '3', reasons: ['api: no answer'] });
    assert.equal(await chosen(machine), '2');
    assert.equal(await upgradeState(host.path('/var/lib/knarr/upgrade')).read('pending'), undefined);
  }));

test('the image’s own daemon comes back when the first other one is not well', () =>
  withMachine(async (machine) => {
    assert.partialDeepStrictEqual(await upgrade(machine, await machine.update('2'), ['x']), { result: 'returned' });
    assert.equal(await chosen(machine), 'the image’s own');
  }));

test('after a power cut in the midst of a trial it is judged again', () =>
  withMachine(async (machine) => {
    const { host } = machine;
    const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
    const pending: Pending = {
      ...{ id: 'd', kind: 'daemon', from: nameOfVersion, to: '2', tries: 3, deadlineSeconds: 60, source: '', at: 0 },
    } as const;
    await state.write('pending', pending);
    const judge = async () => {
      await judgeDaemonAfterCut(host, silent, async () => []);
      return state.read('outcome');
    };
    assert.partialDeepStrictEqual(await judge(), {
      result: 'returned',
      reasons: ['it was cut off before it could start'],
    });
    await upgrade(machine, await machine.update('2'));
    await daemonStore(host).choose('2', 2);
    await state.write('pending', pending);
    assert.equal((await judge())?.result, 'kept');
  }));

test('one that nobody judged, for the tool was killed, is replaced from where it began', () =>
  withMachine(async (machine) => {
    const { host } = machine;
    const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
    await upgrade(machine, await machine.update('2'));
    const killed = upgradeDaemon(host, await machine.update('3'), asked, silent, () =>
      Promise.reject(new Error('killed')),
    );
    await assert.rejects(killed, /killed/);
    assert.partialDeepStrictEqual(await state.read('pending'), { from: '2', to: '3' });
    const back = await upgrade(machine, await machine.update('3'), ['api: no answer']);
    assert.partialDeepStrictEqual(back, { result: 'returned', from: '2', to: '3' });
    assert.equal(await chosen(machine), '2');
  }));

test('what goes wrong before the new one can start leaves the old one running', () =>
  withMachine(async (machine) => {
    const { host, root, said } = machine;
    const state = upgradeState(host.path('/var/lib/knarr/upgrade'));
    await upgrade(machine, await machine.update('2'));
    await mkdir(join(root, 'var/lib/rancher/k3s/server/db'), { recursive: true });
    await writeFile(join(root, 'var/lib/rancher/k3s/server/db/state.db'), 'no datastore');
    await assert.rejects(upgrade(machine, await machine.update('3')), { code: 'store-damaged' });
    assert.equal(said.at(-1), 'start --no-block');
    assert.equal(await chosen(machine), '2');
    assert.equal(await state.read('pending'), undefined);
  }));

test('neither the daemon that runs nor one beside a version on trial is begun', () =>
  withMachine(async (machine) => {
    const state = upgradeState(machine.host.path('/var/lib/knarr/upgrade'));
    await upgrade(machine, await machine.update('2'));
    await assert.rejects(upgrade(machine, await machine.update('2')), { code: 'same-version' });
    const at = { tries: 3, deadlineSeconds: 60, source: '', at: 0 };
    await state.write('pending', { id: 'm', kind: 'upgrade', from: '1.36.2', to: '1.36.3', ...at });
    await assert.rejects(upgrade(machine, await machine.update('3')), { code: 'on-trial' });
    assert.partialDeepStrictEqual(await state.read('pending'), { id: 'm' });
    assert.equal(await chosen(machine), '2');
  }));

test('the launcher gives a daemon on trial its tries, then the image’s own one', () =>
  withMachine(async (machine) => {
    await upgrade(machine, await machine.update('2'));
    await daemonStore(machine.host).choose('2', 2);
    const script = await readFile(join(import.meta.dirname, '../../overlay/usr/lib/knarr/start-daemon'), 'utf8');
    const here = (text: string): string =>
      text.replaceAll(/(\/var\/lib\/knarr|\/usr\/(?:lib\/os-release|bin\/knarr))/g, `${machine.root}$1`);
    const path = join(machine.root, 'start-daemon');
    await writeFile(path, here(script).replace('exec $daemon', 'echo $daemon'), { mode: 0o755 });
    const started = async (): Promise<string> =>
      (await run('sh', [path, 'server'])).stdout.trim().slice(machine.root.length);
    const [other, own] = ['/var/lib/knarr/daemon/current/knarr.mjs server', '/usr/bin/knarr server'];
    assert.deepStrictEqual([await started(), await started(), await started()], [other, other, own]);
    assert.equal(daemonGivenUp(machine.host), true);
    await daemonStore(machine.host).keep();
    assert.equal(await started(), other);
    await writeFile(join(machine.root, 'usr/lib/os-release'), 'ID=knarr\nVERSION_ID="1.36.4"\n');
    assert.equal(await started(), own);
  }));

test('what is damaged, or no daemon, is refused and changes nothing', () =>
  withMachine(async (machine) => {
    const from = await machine.update('2');
    await writeFile(join(from, 'daemon.tar'), 'other');
    await assert.rejects(upgrade(machine, from), { code: 'update-digest' });
    await writeFile(join(from, 'manifest.json'), '{}');
    await assert.rejects(upgrade(machine, from), { code: 'update-signature' });
    assert.throws(() => parseDaemonManifest(Buffer.from('{"format":"knarr-update/1"}')), /leave --daemon out/);
    assert.equal(await chosen(machine), 'the image’s own');
    assert.deepStrictEqual(machine.said, []);
  }));
