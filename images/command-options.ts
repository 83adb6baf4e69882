import { createPublicKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseCloudConfig } from '../cloud-config/parse.ts';
import { renderProblem } from '../cloud-config/schema.ts';
import { versionPattern } from '../os/update/manifest.ts';
import { KnarrError, messageOf } from '../src/base/errors.ts';
import { imageArchives } from './image-archives.ts';
import { type Flavour, flavours } from './packages.ts';
import { type ImageInputs, packageVersion } from './parts.ts';
import { secureBootKeys } from './secure-boot.ts';
import { type Compression, compressions } from './stages/slot.ts';
import { type DiskFormat, diskFormats, type Target } from './targets/target.ts';
import { targets } from './targets.ts';
import { type Arch, hostArch } from './tools/paths.ts';
import { updateSigner } from './update-key.ts';

interface Option {
  argument?: string;
  short?: string;
  /** May be given several times, and takes a list with commas. */
  list?: boolean;
  help: string;
}

/** What `npm run image -- …` takes. */
export const options = {
  target: { argument: 'NAME', help: `one of ${Object.keys(targets).join(', ')} (default: vm)` },
  arch: { argument: 'ARCH', help: `amd64 or arm64 (default: this machine's, ${hostArch})` },
  flavour: { argument: 'NAME', help: "vm or metal: the kernel and its firmware (default: the target's)" },
  format: { argument: 'FORMAT', list: true, help: `of a disk: ${diskFormats.join(', ')} (default: raw)` },
  config: { argument: 'FILE', help: 'a cloud-config for the image, the weakest that its machines know' },
  'add-images': { argument: 'FILE', list: true, help: 'archives of container images, imported at the first boot' },
  package: { argument: 'NAME', list: true, help: 'more Debian packages' },
  overlay: { argument: 'DIR', list: true, help: 'folders of files to lay over the root' },
  compression: { argument: 'NAME', help: 'small or fast to make (default: small)' },
  version: { argument: 'VERSION', help: "the image's version (default: Knarr's)" },
  out: { argument: 'DIR', help: 'where the image is put (default: build/out/images)' },
  'sign-key': { argument: 'FILE', help: 'ed25519 key (PEM) that signs; default: your own, made when first needed' },
  'secure-boot-key': { argument: 'FILE', help: 'your key for Secure Boot (PEM), with --secure-boot-cert' },
  'secure-boot-cert': { argument: 'FILE', help: 'its certificate (PEM)' },
  report: { help: 'print what takes the room, by package' },
  verify: { argument: 'DIR', help: 'build nothing: check the images in a folder' },
  key: { argument: 'FILE', help: 'public key (PEM) for --verify; default: that of your own key' },
  help: { short: 'h', help: 'print this' },
} as const satisfies Record<string, Option>;

export const usage = (message: string): KnarrError => new KnarrError({ code: 'usage', blame: 'user', message });

export function helpText(): string {
  const rows = Object.entries<Option>(options).map(
    ([name, { argument, help, list }]) =>
      [`--${name}${argument === undefined ? '' : ` ${argument}${list === true ? ',…' : ''}`}`, help] as const,
  );
  const list = Object.entries(targets).map(([name, { summary }]) => [name, summary] as const);
  const wide = Math.max(...rows.map(([left]) => left.length));
  const lines = (of: readonly (readonly [string, string])[]): string =>
    of.map(([left, right]) => `  ${left.padEnd(wide)}  ${right}\n`).join('');
  return `npm run image -- [options]\nnpm run image -- lock   writes down the Debian packages that the archive has now\n\n${lines(rows)}\nTargets:\n\n${lines(list)}`;
}

/** What the command line asks for. */
export type Request =
  | { kind: 'help' }
  | { kind: 'lock' }
  | { kind: 'verify'; folder: string; key: string | undefined; signKey: string | undefined }
  | {
      kind: 'build';
      name: string;
      target: Target;
      flavour: Flavour;
      formats: readonly DiskFormat[];
      inputs: ImageInputs;
      out: string | undefined;
      report: boolean;
    };

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw usage(`--${name} is one of ${known.join(', ')}, not ${JSON.stringify(value)}`);
  return found;
}

async function folderAt(option: string, path: string): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw usage(`--${option}: ${messageOf(error)}`);
  });
  if (!info.isDirectory()) throw usage(`--${option}: ${path} is no folder`);
  return path;
}

async function textAt(option: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw usage(`--${option}: ${path}: ${messageOf(error)}`);
  });
}

async function publicKeyAt(path: string): Promise<string> {
  const pem = await textAt('key', path);
  try {
    createPublicKey(pem);
  } catch (error) {
    throw usage(`--key: ${path} is no public key in PEM form (${messageOf(error)})`);
  }
  return path;
}

/** Where the image is put: a folder, which need not be there yet. */
async function outAt(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory() === false) throw usage(`--out: ${path} is no folder`);
  return path;
}

/** What apt takes as a package; what it takes for more than that (options, patterns, `name-`) is none. */
function packageNamed(name: string): string {
  if (!/^[a-z0-9][a-z0-9+.-]*[a-z0-9+](=[\w.+:~-]+)?$/.test(name))
    throw usage(`--package: ${JSON.stringify(name)} is no name of a Debian package`);
  return name;
}

/** A configuration with a mistake would be in every machine of the image: it is refused, where the mistake is said. */
async function configAt(path: string): Promise<string> {
  const { problems } = parseCloudConfig(path, await textAt('config', path));
  if (problems.length > 0) throw usage(`--config: ${problems.map(renderProblem).join('\n  ')}`);
  return path;
}

/** Reads the command line; throws KnarrError `usage` for what it cannot mean. */
export async function readRequest(args: readonly string[]): Promise<Request> {
  let parsed: { values: Record<string, unknown[] | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries<Option>(options).map(([name, { argument, short }]) => [
          name,
          {
            type: argument === undefined ? ('boolean' as const) : ('string' as const),
            multiple: true,
            ...(short === undefined ? {} : { short }),
          },
        ]),
      ),
    });
  } catch (error) {
    throw usage(`${messageOf(error).replace(/\.? To specify.*$/s, '')} (--help lists the options)`);
  }
  const { values, positionals } = parsed;
  const text = (name: keyof typeof options): string | undefined => values[name]?.[0] as string | undefined;
  const list = (name: keyof typeof options): string[] =>
    ((values[name] ?? []) as string[]).flatMap((value) => value.split(',')).filter((value) => value !== '');
  if (values.help !== undefined) return { kind: 'help' };
  for (const [name, { argument, list }] of Object.entries<Option>(options)) {
    const given = values[name] ?? [];
    if (given.includes('')) throw usage(`--${name} is empty`);
    if (argument !== undefined && list !== true && given.length > 1)
      throw usage(`--${name} is given ${given.length} times: ${given.join(', ')}`);
  }
  if (args[0] === 'lock' && args.length === 1) return { kind: 'lock' };
  if (positionals[0] === 'lock') throw usage(`lock takes nothing else: ${args.join(' ')}`);
  if (positionals.length > 0) throw usage(`no image command ${positionals.join(' ')}; there is lock`);
  const folder = text('verify');
  const key = text('key');
  const signKey = text('sign-key');
  if (folder !== undefined)
    return { kind: 'verify', folder, key: key === undefined ? undefined : await publicKeyAt(key), signKey };
  if (key !== undefined) throw usage('--key goes with --verify; images are signed with --sign-key');

  const name = text('target') ?? 'vm';
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  if (target === undefined) throw usage(`no target ${name}; there are ${Object.keys(targets).join(', ')}`);
  const arch = oneOf('arch', text('arch') ?? (target.arches.includes(hostArch) ? hostArch : target.arches[0]) ?? '', [
    'amd64',
    'arm64',
  ] satisfies Arch[]);
  if (!target.arches.includes(arch)) throw usage(`target ${name} is for ${target.arches.join(', ')} alone`);
  const idle = (target.without ?? []).find((option) => values[option] !== undefined);
  if (idle !== undefined) throw usage(`target ${name} has no --${idle}`);
  const formats: DiskFormat[] = [...new Set(list('format'))].map((format) =>
    oneOf('format', format, target.formats ?? ['raw']),
  );
  if (formats.length > 0 && target.formats === undefined) throw usage(`target ${name} is no disk: it has no --format`);
  const version = text('version') ?? (await packageVersion());
  if (!versionPattern.test(version))
    throw usage(`--version: at most 29 letters, digits, '.', '~' and '-', not ${JSON.stringify(version)}`);
  const config = text('config');
  const inputs: ImageInputs = {
    arch,
    version,
    compression: oneOf('compression', text('compression') ?? 'small', Object.keys(compressions) as Compression[]),
    additions: {
      images: await imageArchives(list('add-images')),
      overlays: await Promise.all(list('overlay').map((path) => folderAt('overlay', path))),
      config: config === undefined ? undefined : await configAt(config),
    },
    packages: list('package').map(packageNamed),
    signKey,
    secureBoot: await secureBootKeys(text('secure-boot-key'), text('secure-boot-cert')),
  };
  if (signKey !== undefined) await updateSigner(signKey);
  const out = text('out');
  return {
    ...{ kind: 'build', name, target, inputs, report: values.report !== undefined },
    out: out === undefined ? undefined : await outAt(out),
    flavour: oneOf('flavour', text('flavour') ?? target.flavour, flavours),
    formats: formats.length === 0 ? (['raw'] as const) : formats,
  };
}
