/** One member of a tar archive. Directories have no data; a symbolic link has a target instead. */
export type TarEntry =
  | { type: 'file'; path: string; data: Uint8Array; mode?: number; uid?: number; gid?: number; mtime?: number }
  | { type: 'directory'; path: string; mode?: number; uid?: number; gid?: number; mtime?: number }
  | { type: 'symlink'; path: string; target: string; uid?: number; gid?: number; mtime?: number };

const block = 512;

function octal(value: number, width: number): string {
  return `${Math.trunc(value)
    .toString(8)
    .padStart(width - 1, '0')}\0`;
}

/** Splits a long path at a slash into ustar's `prefix` (155 bytes) and `name` (100 bytes). */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (name !== '' && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { prefix, name };
  }
  throw new RangeError(`path too long for a ustar archive: ${path}`);
}

function header(entry: TarEntry): Buffer {
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  const { prefix, name } = splitPath(path);
  const size = entry.type === 'file' ? entry.data.length : 0;
  const mode = entry.type === 'symlink' ? 0o777 : (entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644));
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0);
  bytes.write(octal(mode, 8), 100);
  bytes.write(octal(entry.uid ?? 0, 8), 108);
  bytes.write(octal(entry.gid ?? 0, 8), 116);
  bytes.write(octal(size, 12), 124);
  bytes.write(octal(entry.mtime ?? 0, 12), 136);
  bytes.write('        ', 148);
  bytes.write({ file: '0', directory: '5', symlink: '2' }[entry.type], 156);
  if (entry.type === 'symlink') bytes.write(entry.target, 157, 100);
  bytes.write('ustar\0', 257);
  bytes.write('00', 263);
  bytes.write(prefix, 345);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** A POSIX ustar archive of the entries in their order; the same entries give the same bytes. Files up to 8 GiB. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(header(entry));
    if (entry.type !== 'file') continue;
    parts.push(entry.data);
    const rest = entry.data.length % block;
    if (rest !== 0) parts.push(Buffer.alloc(block - rest));
  }
  parts.push(Buffer.alloc(2 * block));
  return Buffer.concat(parts);
}

const text = (bytes: Buffer, from: number, length: number): string => {
  const end = bytes.indexOf(0, from);
  return bytes.toString('utf8', from, end === -1 || end > from + length ? from + length : end);
};

/**
 * The entries of a ustar archive (no GNU or PAX extensions: those throw). `data` are views of `archive`.
 */
export function readTar(archive: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  for (let at = 0; at + block <= archive.length; ) {
    const head = archive.subarray(at, at + block);
    if (head.every((byte) => byte === 0)) break;
    const number = (from: number, width: number): number => Number.parseInt(text(head, from, width).trim() || '0', 8);
    const prefix = text(head, 345, 155);
    const path = prefix === '' ? text(head, 0, 100) : `${prefix}/${text(head, 0, 100)}`;
    const size = number(124, 12);
    const common = { path, uid: number(108, 8), gid: number(116, 8), mtime: number(136, 12) };
    const kind = text(head, 156, 1);
    at += block;
    if (kind === '0' || kind === '')
      entries.push({ type: 'file', ...common, mode: number(100, 8), data: archive.subarray(at, at + size) });
    else if (kind === '5') entries.push({ type: 'directory', ...common, mode: number(100, 8) });
    else if (kind === '2') entries.push({ type: 'symlink', ...common, target: text(head, 157, 100) });
    else throw new TypeError(`tar entry ${path}: type ${JSON.stringify(kind)} is not supported`);
    at += Math.ceil(size / block) * block;
  }
  return entries;
}
