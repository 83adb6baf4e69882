import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DebianPackage } from './apt.ts';
import type { Parts } from './parts.ts';
import { clone } from './tools/paths.ts';

/** One thing that an image is made of, by its package URL. */
interface Component {
  name: string;
  version: string;
  purl: string;
  license?: string;
  sha256?: string;
}

const debian = (p: DebianPackage): Component => ({
  name: p.name,
  version: p.version,
  purl: `pkg:deb/debian/${p.name}@${encodeURIComponent(p.version)}?arch=${p.architecture}&distro=trixie`,
  sha256: p.sha256,
});

interface NpmLock {
  packages: Record<string, { version?: string; dev?: boolean; optional?: boolean; license?: string }>;
}

/** The npm packages that the daemon's bundle may take from: what package-lock.json has that is not for developing. */
export function npmComponents(lock: NpmLock): Component[] {
  return Object.entries(lock.packages).flatMap(([path, { version, dev, optional, license }]) => {
    const name = path.replace(/^.*node_modules\//, '');
    if (path === '' || version === undefined || dev === true || optional === true) return [];
    const component = { name, version, purl: `pkg:npm/${name.replace('@', '%40')}@${version}` };
    return [license === undefined ? component : { ...component, license }];
  });
}

/** A Software Bill of Materials, SPDX 2.3 in JSON. The same components and time give the same bytes. */
export function spdx(options: {
  name: string;
  version: string;
  /** Seconds since 1970. */
  created: number;
  components: readonly Component[];
}): string {
  const { name, version, created, components } = options;
  const sorted = [...new Map(components.map((c) => [c.purl, c])).values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const id = (text: string): string => `SPDXRef-${text.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`;
  const describe = (c: Component, identifier: string): object => ({
    name: c.name,
    SPDXID: identifier,
    versionInfo: c.version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: c.license !== undefined && /^[\w.()+ -]+$/.test(c.license) ? c.license : 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(c.sha256 === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: c.sha256 }] }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: c.purl }],
  });
  const image = id(name);
  const identifiers = sorted.map((c, index) => id(`${index}-${c.name}`));
  const digest = createHash('sha256')
    .update(JSON.stringify([name, version, created, sorted]))
    .digest('hex');
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://knarr.invalid/spdx/${name}-${digest.slice(0, 32)}`,
    creationInfo: {
      created: `${new Date(created * 1000).toISOString().slice(0, 19)}Z`,
      creators: [`Tool: knarr-${version}`],
    },
    packages: [
      describe({ name, version, purl: `pkg:generic/knarr@${version}`, license: 'Apache-2.0' }, image),
      ...sorted.map((c, index) => describe(c, identifiers[index] ?? '')),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: image },
      ...identifiers.map((one) => ({ spdxElementId: image, relationshipType: 'CONTAINS', relatedSpdxElement: one })),
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

/** What an image is made of: Debian's packages, Node, the daemon's npm packages. */
export async function bomOf(name: string, parts: Parts): Promise<string> {
  const { fetched, inputs, nodeVersion, builtAt } = parts;
  const lock = JSON.parse(await readFile(join(clone, 'package-lock.json'), 'utf8')) as NpmLock;
  const packages = [
    ...fetched.root.packages,
    ...fetched.flavour.packages,
    ...fetched.extra.packages,
    ...fetched.besidePackages,
  ];
  const node = { name: 'node', version: nodeVersion, purl: `pkg:generic/node@${nodeVersion}`, license: 'MIT' };
  const components = [...packages.map(debian), ...npmComponents(lock), node];
  return spdx({ name, version: inputs.version, created: builtAt, components });
}
