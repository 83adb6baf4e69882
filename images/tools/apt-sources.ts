import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One archive that apt uses: where it is, which of its suites. */
export interface AptSource {
  uri: string;
  suite: string;
}

/** Sources in the one-line form: `deb [options] URI suite components…`. */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line);
    return match?.[1] && match[2] ? [{ uri: match[1], suite: match[2] }] : [];
  });
}

/** Sources in the deb822 form: stanzas of `Types:`, `URIs:`, `Suites:`. */
export function parseDeb822(text: string): AptSource[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = new Map(
        [...stanza.matchAll(/^([\w-]+):[ \t]*((?:.*)(?:\n[ \t]+.*)*)/gm)].map((m) => [m[1]?.toLowerCase(), m[2] ?? '']),
      );
      const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
      if (!words('types').includes('deb') || /^no$/i.test(fields.get('enabled') ?? '')) return [];
      return words('uris').flatMap((uri) => words('suites').map((suite) => ({ uri, suite })));
    });
}

/** What this machine's apt is configured to use. */
export async function hostSources(folder = '/etc/apt'): Promise<AptSource[]> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const parts = (await readdir(join(folder, 'sources.list.d')).catch(() => [])).sort();
  const found = parseOneLine(await read(join(folder, 'sources.list')));
  for (const part of parts) {
    const text = await read(join(folder, 'sources.list.d', part));
    if (part.endsWith('.sources')) found.push(...parseDeb822(text));
    else if (part.endsWith('.list')) found.push(...parseOneLine(text));
  }
  return Promise.all(found.map(async (source) => ({ ...source, uri: await mirrorOf(source.uri, read) })));
}

/** `mirror+file:/list` names a file of mirrors, one a line: the first is taken. */
async function mirrorOf(uri: string, read: (path: string) => Promise<string>): Promise<string> {
  const file = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(uri)?.[1];
  if (file === undefined) return uri;
  return (
    (await read(file))
      .split('\n')
      .find((line) => /^\w+:\/\//.test(line))
      ?.split(/\s/)[0] ?? uri
  );
}

export interface DebianArchive {
  /** Where Debian's main archive is, or undefined where this machine's apt knows none (Ubuntu). */
  main: string | undefined;
  security: string | undefined;
}

const debianSuites = /^(bullseye|bookworm|trixie|forky|sid|stable|testing|unstable)(-updates)?$/;

/** Picks Debian's archive out of what apt uses: it is known by the names of its suites, not of its host. */
export function debianArchive(sources: readonly AptSource[]): DebianArchive {
  return {
    main: sources.find((source) => debianSuites.test(source.suite))?.uri,
    security: sources.find(
      (source) => /^\w+-security$/.test(source.suite) && debianSuites.test(source.suite.replace('-security', '')),
    )?.uri,
  };
}
