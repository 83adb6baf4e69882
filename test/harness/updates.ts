import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { inputsOf } from '../../build.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { buildParts, type Parts, packageVersion } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { ukiStage } from '../../images/stages/uki.ts';
import { updateStage } from '../../images/stages/update.ts';
import { hostArch } from '../../images/tools/paths.ts';

/** The second build that tests upgrade to: the same but for its version. */
export async function secondBuild(): Promise<Parts> {
  const version = `${await packageVersion()}.1`;
  const options = { arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()], version } as const;
  return buildParts(await inputsOf(options), 'vm', createProgress(process.stderr));
}

/** An update with the root of `parts` under another version, whose kernel gets more words: the ways to go wrong. */
export async function variant(parts: Parts, name: string, words: string): Promise<{ version: string; folder: string }> {
  const { inputs, flavour, kernel, initrd, efi, slot, signer } = parts;
  const version = `${inputs.version}-${name}`;
  const common = { arch: inputs.arch, flavour, version, slot };
  const uki = await parts.stage(
    ukiStage({
      ...common,
      name: `uki-${name}`,
      ...{ kernel, initrd, efi },
      root: `PARTLABEL=knarr_${version}`,
      entries: [{ id: 'main', title: '', words }],
      secureBoot: undefined,
    }),
  );
  const folder = await parts.stage(updateStage({ ...common, kubernetes: 'v1.36.3', builtAt: 0, uki, signer }));
  return { version, folder };
}

/** A web server on this machine that has folders by name; machines reach it at `base`. */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
): Promise<{ base: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const [, name = '', file = ''] = (request.url ?? '').split('/');
    const folder = folders[name];
    const path = join(folder ?? '/nowhere', basename(file));
    const size = await stat(path).then(
      (info) => info.size,
      () => undefined,
    );
    if (size === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': size });
    createReadStream(path)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://10.0.2.2:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
