import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cache } from '../../images/tools/paths.ts';
import { archiveLines, release } from '../../images/tools/tree.ts';
import { run } from '../../src/base/run.ts';
import { createAuthority } from '../../src/pki/certificate.ts';
import { type OciImage, writeOciArchive } from '../../src/wire/oci-archive.ts';
import { type TarEntry, writeTar } from '../../src/wire/tar.ts';
import { busyboxFiles } from '../harness/images.ts';

const registry = 'registry.k8s.io/e2e-test-images';

/** What the suite's pods call in their shells, and the servers that some of them are. */
const packages = [
  ...['apache2', 'bash-static', 'bind9-dnsutils', 'bind9-host', 'busybox', 'curl', 'etcd-server', 'iproute2'],
  ...['iputils-ping', 'netcat-openbsd', 'nginx-light', 'perl', 'procps'],
].join(',');

/** A small Debian root as a tar, made once for each list of packages; gives its path. */
async function debianRoot(): Promise<string> {
  const id = createHash('sha256').update(`${release} ${packages}`).digest('hex').slice(0, 12);
  const path = join(cache, `conformance-root-${id}.tar`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  await run(
    'mmdebstrap',
    [
      '--variant=minbase',
      '--mode=root',
      `--include=${packages}`,
      '--aptopt=APT::Install-Recommends "false"',
      ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      '--quiet',
      release,
      `${path}.new.tar`,
      ...(await archiveLines(release)),
    ],
    { timeoutMs: 900_000 },
  );
  await rename(`${path}.new.tar`, path);
  return path;
}

/** One file out of a tar. */
async function fileOf(tar: string, path: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'knarr-file-'));
  try {
    await run('tar', ['-xf', tar, '-C', folder, `./${path}`]);
    return await readFile(join(folder, path));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Debian's static busybox, with a shell that hands on environment variables of any name to what it starts: its own ash
 * drops those that are no identifiers, which the published image does not.
 */
async function busyboxImage(root: string, busybox: string): Promise<readonly TarEntry[]> {
  const shell = { type: 'file', path: 'bin/sh', data: await fileOf(root, 'usr/bin/bash-static'), mode: 0o755 } as const;
  const files = busyboxFiles(await readFile(busybox)).filter(({ path }) => path !== shell.path);
  const there = new Set([...files, shell].map(({ path }) => path));
  const { stdout } = await run(busybox, ['--list']);
  const applets = stdout
    .trim()
    .split('\n')
    .map((name) => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' }) as const);
  return [...files, shell, ...applets.filter(({ path }) => !there.has(path))];
}

const text = (path: string, data: string) => ({ type: 'file', path, data: Buffer.from(data) }) as const;

/** Images that are one program of the suite's sources, where that program lies beside agnhost under this name. */
async function programImages(folder: string, layers: readonly Buffer[]): Promise<OciImage[]> {
  const images: OciImage[] = [];
  const add = async (program: string, path: string, image: Omit<OciImage, 'files'>): Promise<void> => {
    const data = await readFile(join(folder, program)).catch(() => undefined);
    // The set-user-ID bits matter to one of them and harm none.
    if (data) images.push({ ...image, files: [{ type: 'file', path, data, mode: 0o6755 }] });
  };
  await add('sample-apiserver', 'sample-apiserver', {
    name: `${registry}/sample-apiserver:1.29.2`,
    entrypoint: ['/sample-apiserver'],
  });
  await add('nonewprivs', 'usr/local/bin/nnp', { name: `${registry}/nonewprivs:1.4`, layers, cmd: ['nnp'] });
  await add('regression-issue-74839', 'regression-issue-74839', {
    name: `${registry}/regression-issue-74839:1.4`,
    entrypoint: ['/regression-issue-74839'],
  });
  return images;
}

/**
 * The images of the suite that can be made here, under the names by which it asks for them; none is the published one:
 *
 * - agnhost (also under the name of its older version), sample-apiserver, nonewprivs, regression-issue-74839: the suite's own programs, built from its sources, on a
 *   Debian root; nautilus and kitten: agnhost with their one document;
 * - busybox, nonroot: Debian's static busybox, its shell Debian's static bash; pause: Debian's catatonit;
 * - nginx, httpd, perl, etcd, glibc-dns-testing: the Debian root's packages, in Debian's versions.
 */
export async function conformanceImages(options: {
  agnhost: string;
  busybox: string;
  catatonit: string;
}): Promise<Buffer> {
  const root = await debianRoot();
  const layers = [await readFile(root)];
  const program = { type: 'file', path: 'agnhost', data: await readFile(options.agnhost), mode: 0o755 } as const;
  // What it serves TLS with; nobody checks whose it is.
  const { certificate, key } = await createAuthority('localhost');
  const beside = [
    { type: 'symlink', path: 'agnhost-2', target: 'agnhost' } as const,
    text('localhost.crt', certificate),
    text('localhost.key', key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    { type: 'directory', path: 'uploads' } as const,
  ];
  // Shared by all that have the program in them.
  const withAgnhost = [...layers, writeTar([program, ...beside])];
  const agnhost = { layers: withAgnhost, files: [], entrypoint: ['/agnhost'] };
  const busybox = await busyboxImage(root, options.busybox);
  const nginx = { layers, files: [], cmd: ['nginx', '-g', 'daemon off;'] };
  const httpd = { layers, files: [], cmd: ['apache2ctl', '-D', 'FOREGROUND'] };
  const pause = { type: 'file', path: 'pause', data: await readFile(options.catatonit), mode: 0o755 } as const;
  const picture = (name: string): Omit<OciImage, 'name'> => ({
    ...agnhost,
    files: [text('data.json', JSON.stringify({ image: `${name}.jpg` })), text(`${name}.jpg`, name)],
    cmd: ['test-webserver'],
  });
  return writeOciArchive([
    { name: 'registry.k8s.io/pause:3.10.2', files: [pause], entrypoint: ['/pause', '-P'] },
    { name: `${registry}/agnhost:2.63.0`, ...agnhost, cmd: ['pause'] },
    { name: `${registry}/agnhost:2.55`, ...agnhost, cmd: ['pause'] },
    { name: `${registry}/busybox:1.37.0-1`, files: busybox, cmd: ['sh'] },
    { name: `${registry}/nonroot:1.5`, files: busybox, cmd: ['sh'], user: '1234' },
    { name: `${registry}/nginx:1.15-4`, ...nginx },
    { name: `${registry}/nginx:1.27-0`, ...nginx },
    { name: `${registry}/httpd:2.4.38-4`, ...httpd },
    { name: `${registry}/httpd:2.4.39-4`, ...httpd },
    { name: `${registry}/nautilus:1.8`, ...picture('nautilus') },
    { name: `${registry}/kitten:1.8`, ...picture('kitten') },
    {
      name: 'registry.k8s.io/etcd:3.6.8-0',
      layers,
      files: [{ type: 'symlink', path: 'usr/local/bin/etcd', target: '../../bin/etcd' }],
    },
    { name: `${registry}/glibc-dns-testing:2.0.0`, layers, files: [], cmd: ['sleep', '1000000'] },
    ...(await programImages(dirname(options.agnhost), layers)),
    { name: `${registry}/perl:5.26`, layers, files: [], cmd: ['perl', '-v'] },
  ]);
}
