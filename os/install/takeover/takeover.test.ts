import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { requestOf } from '../request.ts';
import { makeMemoryImage, takeoverWords } from './memory-image.ts';
import { sectionOf, ukiSections } from './uki-sections.ts';

/** A PE file with nothing but these sections. */
function peFile(sections: readonly (readonly [string, string])[]): Buffer {
  const [header, optional] = [0x40, 16];
  const table = header + 24 + optional;
  const bytes = Buffer.alloc(4096 * (sections.length + 1));
  bytes.write('MZ', 0);
  bytes.writeUInt32LE(header, 0x3c);
  bytes.write('PE\0\0', header);
  bytes.writeUInt16LE(sections.length, header + 6);
  bytes.writeUInt16LE(optional, header + 20);
  for (const [index, [name, content]] of sections.entries()) {
    const at = table + index * 40;
    bytes.write(name, at, 'latin1');
    bytes.writeUInt32LE(content.length, at + 8);
    bytes.writeUInt32LE(512, at + 16);
    bytes.writeUInt32LE(4096 * (index + 1), at + 20);
    bytes.write(content, 4096 * (index + 1));
  }
  return bytes;
}

const uki = peFile([
  ['.linux', 'kernel'],
  ['.initrd', 'first'],
  ['.cmdline', 'root=PARTLABEL=knarr_1 roothash=ab knarr.blocks=1 quiet knarr.mode=live\0'],
  ['.profile', 'ID=rescue'],
  ['.cmdline', 'knarr.mode=rescue'],
]);
const request = { ...requestOf(), device: '/dev/sda' };

test('sections of a unified kernel image are found, of a boot menu’s entries those of the first', () => {
  const sections = ukiSections(uki);
  assert.equal(sectionOf(sections, '.linux').toString(), 'kernel');
  assert.match(sectionOf(sections, '.cmdline').toString(), /mode=live/);
  assert.throws(() => sectionOf(sections, '.dtb'), /no section \.dtb/);
  for (const bad of [Buffer.from('ELF'), uki.subarray(0, 70), Buffer.alloc(100)])
    assert.throws(() => ukiSections(bad), /is no PE file/);
});

test('the kernel is told to install from its memory, and on which disk', () =>
  assert.equal(
    takeoverWords(sectionOf(ukiSections(uki), '.cmdline').toString(), {
      ...request,
      tty: 'ttyS1',
      afterwards: 'power-off',
    }),
    'root=memory roothash=ab knarr.blocks=1 quiet knarr.mode=install k3os.install.silent k3os.install.force k3os.install.force_efi k3os.install.device=/dev/sda k3os.install.config_url=/run/knarr/medium/knarr/config.yaml k3os.install.tty=ttyS1 k3os.install.power_off',
  ));

test('behind the first archive of the initial RAM disk comes what is installed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-takeover-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'knarr.efi'), uki);
  await writeFile(join(folder, 'slot'), 'the root, and what is behind it in the partition');
  const files = [
    { role: 'root', name: 'root.img', size: 8, sha256: '' },
    { role: 'uki', name: 'knarr.efi', size: uki.length, sha256: '' },
  ];
  const image = await makeMemoryImage({
    folder,
    source: {
      from: 'test',
      manifest: { files } as never,
      signed: { bytes: Buffer.from('{}'), signature: 'signed' },
      root: join(folder, 'slot'),
      uki: join(folder, 'knarr.efi'),
    },
    config: 'hostname: a\n',
    request,
  });
  assert.equal(await readFile(image.kernel, 'utf8'), 'kernel');
  const initrd = await readFile(image.initrd);
  assert.equal(initrd.toString('latin1', 0, 14), `first${'\0'.repeat(3)}070701`);
  const names = [...initrd.toString('latin1').matchAll(/came-along\/([\w.-]+)\0/g)].map((match) => match[1]);
  assert.deepStrictEqual(names, ['manifest.json', 'manifest.json.sig', 'config.yaml', 'root.img', 'knarr.efi']);
  assert.match(initrd.toString('latin1'), /config\.yaml\0+hostname: a\n/);
  assert.match(initrd.toString('latin1'), /root\.img\0+the root\0*070701/);
});
