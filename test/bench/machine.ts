import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { buildImage } from '../../build.ts';
import type { Machine } from '../../images/machine/machine.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { testMachine, untilConsole } from '../harness/vm.ts';
import type { BenchContext, Figure, Measurement } from './measure.ts';
import { stockLogin } from './stock-machine.ts';
import { timeline, timelineSvg, timelineText } from './timeline.ts';

/** Bytes of a file after zstd, in millions. */
async function compressedMb(path: string): Promise<number> {
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 10 } });
  let size = 0;
  for await (const chunk of createReadStream(path).pipe(compress)) size += (chunk as Buffer).length;
  return size / 1e6;
}

/** What is downloaded and flashed: the whole disk after zstd, and the parts as they lie on it. */
async function imageSize(): Promise<Figure[]> {
  const image = await buildImage(
    'vm',
    { arch: hostArch, compression: 'small', addImages: [] },
    createProgress(process.stderr),
  );
  const figure = (name: string, value: number): Figure => ({ name, value, unit: 'MB', better: 'lower' });
  const parts = ['kernel', 'initrd', 'root'] as const;
  return [
    figure('image_vm_compressed_mb', await compressedMb(image.disk)),
    ...(await Promise.all(
      parts.map(async (part) => figure(`image_vm_compressed_mb.${part}`, await compressedMb(image[part]))),
    )),
  ];
}

/** The daemon's word that its API is served, in seconds of the kernel's clock. */
async function apiServedAt(machine: Machine): Promise<number> {
  const { stdout } = await machine.ssh('sudo journalctl --unit knarr --output short-monotonic --no-pager');
  const at = /^\[ *([\d.]+)\] .* the API is served /m.exec(stdout)?.[1];
  if (at === undefined) throw new Error('the journal does not say when the API was served');
  return Number(at);
}

/** From starting the emulator, looked at on the console alone: whoever logs in or asks has the machine work for it. */
async function powerOn({ say, svg }: BenchContext): Promise<Figure[]> {
  const options = { arch: hostArch, compression: 'fast', addImages: [] } as const;
  const machine = await testMachine({
    name: 'bench',
    image: await buildImage('vm', options, createProgress(process.stderr)),
  });
  try {
    const begun = performance.now();
    const seconds = (): number => (performance.now() - begun) / 1000;
    await machine.start();
    await untilConsole(machine, /press Enter to log in/);
    const login = seconds();
    // a node that is not says `not Ready since`
    await untilConsole(machine, /(?<!not )Ready since \d/);
    const ready = seconds();
    // The kernel's clock began a little after ours.
    const asked = seconds();
    const kernelClock = Number((await machine.ssh('cat /proc/uptime')).stdout.split(' ')[0]);
    const offset = (asked + seconds()) / 2 - kernelClock;
    const apiAt = await apiServedAt(machine);
    const spans = await timeline(machine, { apiAt, readyAt: ready - offset });
    for (const line of timelineText(spans).split('\n')) say(line);
    if (svg !== undefined) await writeFile(svg, timelineSvg(spans));
    return Object.entries({ '': ready, '.login': login, '.api': apiAt + offset }).map(([part, value]) => ({
      name: `poweron_to_ready_s${part}`,
      value,
      unit: 's',
      better: 'lower',
    }));
  } finally {
    await machine.remove();
  }
}

/** The image as a download and as a machine. */
export const machine: Measurement = {
  names: ['image_vm_compressed_mb', 'poweron_to_ready_s', 'poweron_to_login_stock_s'],
  async run(context) {
    const { wanted, kubeconfig } = context;
    if (kubeconfig !== undefined) throw new Error('--kubeconfig measures the API alone');
    return [
      ...(wanted.has('image_vm_compressed_mb') ? await imageSize() : []),
      ...(wanted.has('poweron_to_ready_s') ? await powerOn(context) : []),
      ...(wanted.has('poweron_to_login_stock_s') ? [await stockLogin('cloud'), await stockLogin('bare')] : []),
    ];
  },
};
