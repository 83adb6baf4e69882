import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { buildImage } from '../../build.ts';
import { createProgress } from '../../images/setup/progress.ts';
import { hostArch } from '../../images/tools/paths.ts';
import { testImage, testMachine, untilConsole, untilReady } from '../harness/vm.ts';
import type { Figure, Measurement } from './measure.ts';

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
  const whole = await compressedMb(image.disk);
  const parts = await Promise.all(
    (['kernel', 'initrd', 'root'] as const).map(
      async (part) => `${part} ${((await stat(image[part])).size / 1e6).toFixed(1)}`,
    ),
  );
  return [
    {
      name: 'image_vm_compressed_mb',
      value: whole,
      unit: 'MB',
      better: 'lower',
      note: `on the disk: ${parts.join(', ')}`,
    },
  ];
}

/** From starting the emulator: the kernel's own clock tells the parts. */
async function powerOn(): Promise<Figure[]> {
  const machine = await testMachine({ name: 'bench', image: await testImage() });
  try {
    const begun = performance.now();
    const since = (): number => (performance.now() - begun) / 1000;
    await machine.start();
    await untilConsole(machine, /login:/);
    const login = since();
    await untilReady(machine);
    const note = `login prompt after ${login.toFixed(1)} s`;
    return [{ name: 'poweron_to_ready_s', value: since(), unit: 's', better: 'lower', note }];
  } finally {
    await machine.remove();
  }
}

/** The image as a download and as a machine. */
export const machine: Measurement = {
  names: ['image_vm_compressed_mb', 'poweron_to_ready_s'],
  async run({ wanted, kubeconfig }) {
    if (kubeconfig !== undefined) throw new Error('--kubeconfig measures the API alone');
    return [
      ...(wanted.has('image_vm_compressed_mb') ? await imageSize() : []),
      ...(wanted.has('poweron_to_ready_s') ? await powerOn() : []),
    ];
  },
};
