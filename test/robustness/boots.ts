import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { inputsOf } from '../../build.ts';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { until } from '../../images/machine/cluster.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { type Machine, type MachineOptions, openMachine } from '../../images/machine/machine.ts';
import { buildParts } from '../../images/parts.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { folderPlaceholder } from '../../images/stages/pxe.ts';
import { pxe } from '../../images/targets/pxe.ts';
import { buildVm } from '../../images/targets/vm.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { typeLine } from '../harness/console.ts';
import { testIso } from '../harness/iso.ts';
import { patienceMs, testImage, untilConsole, untilReady } from '../harness/vm.ts';

type Say = (text: string) => void;
/** The address by which QEMU's own network shows this machine. */
const hostFromGuest = '10.0.2.2';

async function withMachine(
  options: Partial<MachineOptions> & { name: string },
  work: (machine: Machine, all: MachineOptions) => Promise<void>,
): Promise<void> {
  const all: MachineOptions = {
    image: await testImage(),
    accelerator: await findAccelerator(),
    config: { hostname: options.name },
    ...options,
    name: `boots-${options.name}-${randomBytes(3).toString('hex')}`,
  };
  const machine = await openMachine(all);
  try {
    await machine.start();
    await work(machine, all);
  } finally {
    if (process.env.KNARR_KEEP === undefined) await machine.remove();
  }
}

/** Its node is Ready, it runs in `mode`, and its root is of that type. */
async function becomesNode(
  machine: Machine,
  name: string,
  mode: string,
  rootType: string,
  eachStepMs = patienceMs,
): Promise<void> {
  const kubectl = await untilReady(machine, eachStepMs);
  assert.match(await kubectl.run('get', 'nodes'), new RegExp(`${name}\\s+Ready`));
  const { stdout } = await machine.ssh('cat /run/knarr/mode; findmnt -no FSTYPE /');
  assert.deepStrictEqual(stdout.trim().split('\n'), [mode, rootType]);
}

/** Serves the folder for network boot under `/knarr/`; `work` gets its URL as a machine of QEMU's network sees it. */
async function withNetworkFolder(
  work: (url: string, files: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  const inputs = await inputsOf({ arch: hostArch, compression: 'fast', addImages: [await makeDemoImage()] });
  const parts = await buildParts(inputs, 'vm', createProgress(process.stderr));
  const files = new Map((await pxe.make(parts, [])).map(({ name, from }) => [name, from]));
  const server = createServer((request, response) => {
    const path = files.get(request.url?.replace(/^\/knarr\//, '') ?? '');
    if (path === undefined) return void response.writeHead(404).end();
    void stat(path).then(async ({ size }) => {
      response.writeHead(200, { 'content-length': size });
      if (request.method === 'HEAD') response.end();
      else await pipeline(createReadStream(path), response).catch(() => {});
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://${hostFromGuest}:${(server.address() as AddressInfo).port}/knarr`, files);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Ways to start a machine that `npm test` has no time for. */
const boots: readonly { name: string; what: string; run(): Promise<void> }[] = [
  {
    name: 'small',
    what: 'the image as it is shipped (SquashFS) starts by firmware and is a node',
    async run() {
      const addImages = [await makeDemoImage()];
      const inputs = await inputsOf({ arch: hostArch, compression: 'small', addImages });
      const image = await buildVm(inputs, createProgress(process.stderr));
      await withMachine({ name: 'small', image, firmware: true }, (machine) =>
        becomesNode(machine, 'small', 'disk', 'squashfs'),
      );
    },
  },
  {
    name: 'iso-bios',
    what: 'the ISO starts by BIOS and is a node in memory',
    run: async () =>
      withMachine({ name: 'iso-bios', firmware: 'bios', blank: true, media: [await testIso()] }, (machine) =>
        becomesNode(machine, 'iso-bios', 'live', 'erofs'),
      ),
  },
  {
    name: 'network',
    what: 'kernel, initrd and command line of the folder for network boot fetch their root and are a node in memory',
    run: () =>
      withNetworkFolder(async (url, files) => {
        const image = await testImage();
        const cmdline = join(image.cmdline, '..', `network-${process.pid}`);
        const line = await readFile(files.get('cmdline') ?? '', 'utf8');
        await writeFile(cmdline, line.replace(folderPlaceholder, url).trim());
        const own = { ...image, kernel: files.get('kernel') ?? '', initrd: files.get('initrd') ?? '', cmdline };
        await withMachine({ name: 'network', image: own, blank: true }, (machine) =>
          becomesNode(machine, 'network', 'live', 'erofs'),
        );
      }),
  },
  {
    name: 'ipxe',
    what: 'iPXE of a network card starts boot.ipxe by its URL',
    run: () =>
      withNetworkFolder((url) =>
        withMachine({ name: 'ipxe', firmware: 'bios', blank: true, bootFile: `${url}/boot.ipxe` }, (machine) =>
          becomesNode(machine, 'ipxe', 'live', 'erofs'),
        ),
      ),
  },
  {
    name: 'other-architecture',
    what: 'the image of the other architecture is a node in emulation',
    async run() {
      const arch = hostArch === 'amd64' ? 'arm64' : 'amd64';
      const inputs = await inputsOf({ arch, compression: 'fast', addImages: [] });
      const image = await buildVm(inputs, createProgress(process.stderr));
      await withMachine({ name: 'other', image, accelerator: 'tcg' }, (machine) =>
        becomesNode(machine, 'other', 'disk', 'erofs', 3 * patienceMs),
      );
    },
  },
  {
    name: 'shell',
    what: 'mode shell has a shell in the initial RAM disk, and is a node when that ends; its configuration is in fw_cfg',
    run: () =>
      withMachine({ name: 'shell', cmdline: 'k3os.mode=shell', seedKind: 'fwcfg' }, async (machine) => {
        await untilConsole(machine, /exit starts it/);
        await until('the shell', patienceMs, async () => {
          await typeLine(machine, 'echo $(grep -c ^ID=knarr /sysroot/usr/lib/os-release) $(ls /sysroot/var/lib)');
          return /^1 knarr/m.exec(await machine.console())?.[0];
        });
        await typeLine(machine, 'exit');
        await becomesNode(machine, 'shell', 'shell', 'erofs');
      }),
  },
  {
    name: 'reset',
    what: 'knarr.reset on the command line makes /var anew, and the machine, told by SMBIOS, is a node again',
    run: () =>
      withMachine({ name: 'reset', firmware: true, seedKind: 'smbios' }, async (machine, all) => {
        await untilConsole(machine, /press Enter/);
        const identity = async (): Promise<string> => (await machine.ssh('cat /etc/machine-id')).stdout;
        const before = await until('a log-in', patienceMs, identity, { machine });
        await machine.powerCut();
        const again = await openMachine({ ...all, cmdline: 'knarr.reset' });
        await again.start();
        await becomesNode(again, 'reset', 'disk', 'erofs');
        assert.notEqual(await identity(), before);
      }),
  },
];

/** Goes through all of them, or those that `only` names. */
export async function tryBoots(say: Say, only?: readonly string[]): Promise<number> {
  const chosen = boots.filter(({ name }) => only === undefined || only.includes(name));
  for (const { what, run } of chosen) {
    await run();
    say(what);
  }
  return chosen.length;
}

if (import.meta.main) {
  const only = process.argv[2]?.split(',');
  await tryBoots((text) => void process.stdout.write(`${text}\n`), only);
}
