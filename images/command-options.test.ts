import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { messageOf } from '../src/base/errors.ts';
import { helpText, readRequest } from './command-options.ts';

test('what cannot be meant is refused, with what can', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-options-'));
  t.after(() => rm(folder, { recursive: true }));
  const config = join(folder, 'c.yaml');
  await writeFile(config, '#cloud-config\nk3os:\n  tocken: x\n');
  const tar = join(folder, 'a.tar');
  await writeFile(tar, 'no tar');
  const zst = join(folder, 'b.tar.zst');
  await writeFile(zst, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]));
  const cases: [args: string[], message: RegExp, code?: string][] = [
    [['--target', 'cd'], /^no target cd; there are vm, metal, iso, /],
    [['--arch', 'x86'], /^--arch is one of amd64, arm64, not "x86"$/],
    [['--target', 'rpi', '--arch', 'amd64'], /^target rpi is for arm64 alone$/],
    [['--format', 'vdi'], /^--format is one of raw, qcow2, vmdk, vhd, not "vdi"$/],
    [['--target', 'iso', '--format', 'raw'], /^target iso is no disk: it has no --format$/],
    [['--target', 'daemon', '--config', config], /^target daemon has no --config$/],
    [['--target', 'rpi', '--flavour', 'vm'], /^target rpi has no --flavour$/],
    [['--version', 'a_b'], /^--version: at most 29 letters/],
    [['--flavour', 'cloud'], /^--flavour is one of vm, metal, not "cloud"$/],
    [['--add-images', join(folder, 'none.tar')], /^--add-images: .*none\.tar: ENOENT/],
    [['--add-images', tar], /^--add-images: .*a\.tar is no \.tar, by what is in it$/],
    [['--add-images', `${zst},${zst}`], /^--add-images: .*there is another b\.tar\.zst$/],
    [['--add-images', config], /^--add-images: .*c\.yaml: an archive of images is a \.tar, /],
    [['--package', 'jq,foo bar'], /^--package: "foo bar" is no name of a Debian package$/],
    [['--package', 'bash-'], /^--package: "bash-" is no name/],
    [['--out', config], /^--out: .*c\.yaml is no folder$/],
    [['--config', folder], /^--config: .*knarr-options-.*: EISDIR/],
    [['--config', 'a', '--config', 'b'], /^--config is given 2 times: a, b$/],
    [['--out', ''], /^--out is empty$/],
    [['--key', config], /^--key goes with --verify/],
    [['--verify', folder, '--key', config], /^--key: .*c\.yaml is no public key in PEM form/],
    [['--sign-key', join(folder, 'none')], /^the key for updates: ENOENT/, 'update-key'],
    [['--target', 'constructor'], /^no target constructor; there are vm/],
    [['lock', '--arch', 'arm64'], /^lock takes nothing else: lock --arch arm64$/],
    [['--overlay', config], /^--overlay: .*c\.yaml is no folder$/],
    [['--config', config], /^--config: .*c\.yaml:3:3: k3os\.tocken: unknown key, left out \(is token meant\?\)$/],
    [['--secure-boot-key', config], /^--secure-boot-key and --secure-boot-cert go together/],
    [['--secure-boot-key', config, '--secure-boot-cert', config], /^--secure-boot-key: .*c\.yaml is not in PEM form$/],
    [['--nonsense'], /^Unknown option '--nonsense'.*\(--help lists the options\)$/],
    [['build'], /^no image command build; there is lock$/],
  ];
  for (const [args, message, code = 'usage'] of cases)
    await assert.rejects(readRequest(args), { code, message }, args.join(' '));
  const request = await readRequest(['--add-images', zst, '--config', config.replace('c.yaml', 'd.yaml')]).catch(
    messageOf,
  );
  assert.match(String(request), /^--config: .*d\.yaml: ENOENT/);
});

test('what is asked for, and what is meant without asking', async () => {
  const request = await readRequest([
    '--format',
    'qcow2,raw',
    '--format',
    'vhd,raw',
    '--package',
    'jq',
    '--arch',
    'arm64',
  ]);
  assert.ok(request.kind === 'build');
  assert.deepStrictEqual(
    [request.name, request.flavour, request.formats, request.inputs.packages, request.inputs.arch],
    ['vm', 'vm', ['qcow2', 'raw', 'vhd'], ['jq'], 'arm64'],
  );
  assert.match(helpText(), /--add-images FILE,… +archives of container images/);
});
