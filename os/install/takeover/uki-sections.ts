import { KnarrError } from '../../../src/base/errors.ts';

/**
 * The sections of a unified kernel image (a PE file): `.linux`, `.initrd`, `.cmdline`, … Of several with one name, which
 * belong to the entries of a boot menu, the first, which belongs to all.
 */
export function ukiSections(bytes: Buffer): Map<string, Buffer> {
  const none = (): KnarrError =>
    new KnarrError({ code: 'uki', blame: 'world', message: 'the unified kernel image is no PE file' });
  if (bytes.length < 0x40 || bytes.toString('latin1', 0, 2) !== 'MZ') throw none();
  const header = bytes.readUInt32LE(0x3c);
  if (header + 24 > bytes.length || bytes.toString('latin1', header, header + 4) !== 'PE\0\0') throw none();
  const count = bytes.readUInt16LE(header + 6);
  const table = header + 24 + bytes.readUInt16LE(header + 20);
  if (table + count * 40 > bytes.length) throw none();
  const sections = new Map<string, Buffer>();
  for (let index = 0; index < count; index++) {
    const entry = bytes.subarray(table + index * 40, table + (index + 1) * 40);
    const name = entry.toString('latin1', 0, 8).replace(/\0.*$/, '');
    // what is in memory, or what is in the file where that is less: the rest is padding
    const size = Math.min(entry.readUInt32LE(8), entry.readUInt32LE(16));
    const start = entry.readUInt32LE(20);
    if (!sections.has(name)) sections.set(name, bytes.subarray(start, start + size));
  }
  return sections;
}

/** A section's content; throws KnarrError `uki` for one that is not there. */
export function sectionOf(sections: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const section = sections.get(name);
  if (section === undefined)
    throw new KnarrError({ code: 'uki', blame: 'world', message: `the unified kernel image has no section ${name}` });
  return section;
}
