import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cache } from '../../images/tools/paths.ts';
import { archiveLines, release } from '../../images/tools/tree.ts';
import { run } from '../../src/base/run.ts';
import { writeOciArchive } from '../../src/wire/oci-archive.ts';
import { busyboxFiles } from '../harness/images.ts';

const registry = 'registry.k8s.io/e2e-test-images';

/** What the suite's pods call in their shells, and the servers that some of them are. */
const packages =
  'apache2,bind9-dnsutils,bind9-host,busybox,curl,iproute2,iputils-ping,netcat-openbsd,nginx-light,perl,procps';

/** A small Debian root as a tar, made once. */
async function debianRoot(): Promise<Buffer> {
  const path = join(cache, 'conformance-root.tar');
  const made = await readFile(path).catch(() => undefined);
  if (made) return made;
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
  return readFile(path);
}

/**
 * The images of the suite that can be made here, under the names by which it asks for them: `agnhost` from the given
 * program on a Debian root, busybox from Debian's static one, the web servers from Debian's packages.
 */
export async function conformanceImages(options: {
  agnhost: string;
  busybox: string;
  catatonit: string;
}): Promise<Buffer> {
  const layers = [await debianRoot()];
  const agnhost = [{ type: 'file', path: 'agnhost', data: await readFile(options.agnhost), mode: 0o755 } as const];
  const nginx = { layers, files: [], cmd: ['nginx', '-g', 'daemon off;'] };
  const httpd = { layers, files: [], cmd: ['apache2ctl', '-D', 'FOREGROUND'] };
  const pause = { type: 'file', path: 'pause', data: await readFile(options.catatonit), mode: 0o755 } as const;
  return writeOciArchive([
    { name: 'registry.k8s.io/pause:3.10.2', files: [pause], entrypoint: ['/pause', '-P'] },
    { name: `${registry}/agnhost:2.63.0`, layers, files: agnhost, entrypoint: ['/agnhost'], cmd: ['pause'] },
    { name: `${registry}/busybox:1.37.0-1`, files: busyboxFiles(await readFile(options.busybox)), cmd: ['sh'] },
    { name: `${registry}/nginx:1.15-4`, ...nginx },
    { name: `${registry}/nginx:1.27-0`, ...nginx },
    { name: `${registry}/httpd:2.4.38-4`, ...httpd },
    { name: `${registry}/httpd:2.4.39-4`, ...httpd },
    { name: `${registry}/glibc-dns-testing:2.0.0`, layers, files: [], cmd: ['sleep', '1000000'] },
    { name: `${registry}/perl:5.26`, layers, files: [], cmd: ['perl', '-v'] },
  ]);
}
