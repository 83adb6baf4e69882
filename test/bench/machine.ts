import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { buildImage } from '../../build.ts';
import { apiAnswers } from '../../images/machine/cluster.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { patienceMs, testImage, testMachine, untilConsole, untilReady } from '../harness/vm.ts';
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

/** From starting the emulator; the parts count from there too. */
async function powerOn({ say, svg }: BenchContext): Promise<Figure[]> {
  const machine = await testMachine({ name: 'bench', image: await testImage() });
  try {
    const begun = performance.now();
    const part = (name: string): Figure => {
      const value = (performance.now() - begun) / 1000;
      return { name, value, unit: 's', better: 'lower' };
    };
    await machine.start();
    await untilConsole(machine, /press Enter to log in/);
    const login = part('poweron_to_ready_s.login');
    await apiAnswers(machine, patienceMs);
    const api = part('poweron_to_ready_s.api');
    await untilReady(machine);
    const ready = part('poweron_to_ready_s');
    // The kernel's clock began a little after ours.
    const asked = performance.now();
    const kernelClock = Number((await machine.ssh('cat /proc/uptime')).stdout.split(' ')[0]);
    const offset = ((asked + performance.now()) / 2 - begun) / 1000 - kernelClock;
    const spans = await timeline(machine, { apiAt: api.value - offset, readyAt: ready.value - offset });
    for (const line of timelineText(spans).split('\n')) say(line);
    if (svg !== undefined) await writeFile(svg, timelineSvg(spans));
    return [ready, login, api];
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
