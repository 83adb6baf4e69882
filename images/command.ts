import { copyFile, cp, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { helpText, type Request, readRequest } from './command-options.ts';
import { imageManifestName, signImage, verifyImages } from './image-manifest.ts';
import { updateLock } from './lock.ts';
import { buildParts, type Parts } from './parts.ts';
import { reportOf } from './report.ts';
import { bomOf } from './sbom.ts';
import type { Progress } from './setup/progress.ts';
import { setUp } from './setup/tools.ts';
import { pruneStages } from './stage.ts';
import { readFacts } from './stages/uki.ts';
import type { Output } from './targets/target.ts';
import { runInTools } from './tools/chroot.ts';
import { build, out as defaultOut } from './tools/paths.ts';
import { run } from './tools/patient-run.ts';
import { updateSigner } from './update-key.ts';

type Build = Extract<Request, { kind: 'build' }>;

/**
 * How a file is compressed on its way out; the same bytes on every machine, however many processors it has. What is in a
 * disk is compressed already: a higher level takes minutes for a few hundred kilobytes.
 */
const zstd = { fast: ['-1', '-T2'], small: ['-9', '-T2', '--long=27'] } as const;

async function place({ from, compress }: Output, target: string, request: Build): Promise<string> {
  await mkdir(join(target, '..'), { recursive: true });
  if (compress === true) {
    const compressed = join(build, `compressed-${process.pid}.zst`);
    await runInTools('zstd', ['-q', '-f', ...zstd[request.inputs.compression], from, '-o', compressed]);
    await rename(compressed, `${target}.zst`).catch(async () => {
      await cp(compressed, `${target}.zst`);
      await rm(compressed);
    });
    return `${target}.zst`;
  }
  await rm(target, { force: true });
  // of a stage's own file there may be a link; another file system gets a copy
  await link(from, target).catch(() => copyFile(from, target));
  return target;
}

/** Puts an image with its bill of materials, its manifest and the signature of that into a folder. */
async function writeImage(request: Build, parts: Parts, outputs: readonly Output[], folder: string): Promise<string[]> {
  const { inputs, flavour, target } = request;
  const { arch, version } = inputs;
  const usual = flavour === target.flavour;
  const name = `knarr-${version}-${arch}-${request.name}${usual ? '' : `-${flavour}`}`;
  const files: string[] = [];
  for (const output of outputs) {
    const path = join(folder, target.folder === true ? `${name}/${output.name}` : `${name}${output.name}`);
    files.push(relative(folder, await place(output, path, request)));
  }
  if (target.folder === true && request.name === 'update') {
    const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=0644'];
    await run('tar', [
      '-cf',
      join(folder, `${name}.tar`),
      ...options,
      '-C',
      join(folder, name),
      ...outputs.map((o) => o.name),
    ]);
    files.push(`${name}.tar`);
  }
  const bill = `${name}.spdx.json`;
  await writeFile(join(folder, bill), await bomOf(name, parts));
  const { rootHash } = await readFacts(parts.slot);
  const facts = {
    ...{ name, target: request.name, version, arch, flavour },
    ...{ kubernetes: parts.kubernetes, builtAt: parts.builtAt, rootHash },
  };
  const { bytes, signature } = await signImage(folder, facts, [...files, bill], parts.signer.privateKey);
  await writeFile(join(folder, imageManifestName(name)), bytes);
  await writeFile(join(folder, `${imageManifestName(name)}.sig`), signature);
  return [...files, bill, imageManifestName(name), `${imageManifestName(name)}.sig`];
}

async function buildRequest(request: Build, progress: Progress): Promise<number> {
  const folder = request.out ?? join(defaultOut, 'images');
  await mkdir(folder, { recursive: true });
  const parts = await buildParts(request.inputs, request.flavour, progress);
  const outputs = await request.target.make(parts, request.formats);
  const files = await progress.stage('writing', () => writeImage(request, parts, outputs, folder));
  await pruneStages(3);
  if (request.report) process.stdout.write(await reportOf(parts));
  for (const file of files) {
    const { size } = await stat(join(folder, file));
    process.stdout.write(`  ${(size / 1e6).toFixed(1).padStart(8)} MB  ${join(folder, file)}\n`);
  }
  process.stdout.write(`signed with ${parts.signer.path}\n`);
  return 0;
}

async function verifyRequest(request: Extract<Request, { kind: 'verify' }>): Promise<number> {
  const { folder, key, signKey } = request;
  const publicKey = key === undefined ? (await updateSigner(signKey)).publicKey : await readFile(key, 'utf8');
  for (const name of await verifyImages(folder, publicKey)) process.stdout.write(`  right  ${join(folder, name)}\n`);
  return 0;
}

/** `knarr image …`, `npm run image -- …`: see command-options.ts. What cannot be meant is refused before anything is made. */
export async function imageCommand(args: readonly string[], progress: Progress): Promise<number> {
  const request = await readRequest(args);
  switch (request.kind) {
    case 'help':
      process.stdout.write(helpText());
      return 0;
    case 'lock':
      await setUp(['image'], progress);
      for (const arch of ['amd64', 'arm64'] as const)
        await progress.stage(`lock ${arch}`, async (say) => {
          const changed = await updateLock(arch, progress.note);
          for (const line of changed) progress.note(`  ${line}`);
          say(`${changed.length} changed`);
        });
      return 0;
    case 'verify':
      return verifyRequest(request);
    case 'build':
      await setUp(['image'], progress);
      return buildRequest(request, progress);
  }
}
