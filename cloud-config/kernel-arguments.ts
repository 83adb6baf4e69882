import type { Parsed } from './parse.ts';
import { type CloudConfig, type Problem, type Shape, schema } from './schema.ts';

/** The words of a kernel command line; double quotes keep blanks together, as the kernel has it. */
export function splitCommandLine(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map((match) => match[0].replaceAll('"', ''));
}

/**
 * The configuration in a kernel command line: `hostname=x`, `k3os.token=x`; a list by repeating its key; a map as
 * `k3os.labels[a.b/c]=d` or `k3os.labels.a=d`; a bare name is `true`. Words that are no key of the language are the
 * kernel's, except those that begin with `k3os.`.
 */
export function parseKernelArguments(line: string): Parsed {
  const source = 'kernel command line';
  const config: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const word of splitCommandLine(line)) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? 'true' : word.slice(equals + 1);
    if (ownArguments.test(name)) continue;
    const parts = name.replace(/\[([^\]]*)\]$/, '\0$1').split('\0');
    const wrong = place(config, schema, (parts[0] ?? '').split('.'), parts[1], value);
    if (wrong !== undefined && name.startsWith('k3os.')) problems.push({ source, key: name, message: wrong });
  }
  return { config: config as CloudConfig, problems };
}

/** Arguments of k3OS that say how to boot or install; they are no part of the configuration. */
const ownArguments = /^k3os\.(mode|fallback_mode|debug|install(\..*)?)$/;

/** Puts a value where its path leads; gives what is wrong with the path. */
function place(
  into: Record<string, unknown>,
  shape: Shape & { kind: 'object' },
  path: readonly string[],
  sub: string | undefined,
  value: string,
): string | undefined {
  const [name = '', ...rest] = path;
  const field = shape.fields[name];
  if (field === undefined) return 'unknown key, left out';
  switch (field.kind) {
    case 'object': {
      if (rest.length === 0) return 'is a map of settings: name one of them';
      const inner = (into[name] ?? {}) as Record<string, unknown>;
      const wrong = place(inner, field, rest, sub, value);
      if (wrong === undefined) into[name] = inner;
      return wrong;
    }
    case 'textMap': {
      const key = sub ?? rest.join('.');
      if (key === '') return 'is a map: name a key, as in key[name]=value';
      into[name] = { ...((into[name] ?? {}) as object), [key]: value };
      return undefined;
    }
    case 'texts': {
      if (rest.length > 0 || sub !== undefined) return 'is a list: repeat the key';
      into[name] = [...((into[name] ?? []) as string[]), value];
      return undefined;
    }
    case 'text': {
      if (rest.length > 0 || sub !== undefined) return 'is a text, not a map';
      into[name] = value;
      return undefined;
    }
    case 'objects':
      return 'cannot be given on the kernel command line';
  }
}
