/** An entry of an archive: a name without a leading `/`, its mode with the kind of file, its content (a link's target). */
export interface CpioEntry {
  readonly name: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** An entry's header in the "newc" form, its name and its content, each padded to four bytes. */
function encoded(inode: number, { name, mode, content }: CpioEntry): Uint8Array[] {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const text = Buffer.from(`${name}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, text.length, 0];
  const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);
  const header = Buffer.from(`070701${fields.map(hex).join('')}`);
  return [header, text, padding(header.length + text.length), content, padding(content.length)];
}

/**
 * A cpio archive as the kernel reads it, owned by root and with no times: the same entries give the same bytes. Several,
 * one behind the other, are one to the kernel. The format is its Documentation/driver-api/early-userspace/buffer-format.rst.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array[] {
  const trailer: CpioEntry = { name: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) };
  return [...entries.map((entry, index) => encoded(index + 1, entry)), encoded(0, trailer)].flat();
}
