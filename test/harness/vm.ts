import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buildImage } from '../../build.ts';
import type { CloudConfig } from '../../cloud-config/schema.ts';
import { findAccelerator } from '../../images/machine/accelerator.ts';
import { apiAnswers, fetchKubeconfig, nodesReady, until } from '../../images/machine/cluster.ts';
import { makeDemoImage } from '../../images/machine/demo-image.ts';
import { type Machine, type MachineOptions, openMachine } from '../../images/machine/machine.ts';
import type { SeedKind } from '../../images/machine/seed.ts';
import { createProgress } from '../../images/setup/progress.ts';
import type { VmImage } from '../../images/targets/vm.ts';
import { hostArch, nodePrograms } from '../../images/tools/paths.ts';
import { run } from '../../src/base/run.ts';

/** How long a step in an emulated machine may take when everything else runs beside it. */
export const patienceMs = 600_000;

/** The image that tests boot, the same that `npm start` boots. */
export async function testImage(): Promise<VmImage> {
  const addImages = [await makeDemoImage()];
  return buildImage('vm', { arch: hostArch, compression: 'fast', addImages }, createProgress(process.stderr));
}

/** A machine of its own for one test file; removed with all its state by `remove()`. */
export async function testMachine(options: {
  name: string;
  image: VmImage;
  config?: CloudConfig;
  firmware?: boolean;
  cmdline?: string;
  blank?: boolean;
  data?: boolean;
  lan?: { port: number; mac: string };
  media?: readonly string[];
  seedKind?: SeedKind;
  hardware?: MachineOptions['hardware'];
  seedless?: boolean;
  secureVariables?: string;
}): Promise<Machine> {
  const { name, image, config = {}, ...others } = options;
  return openMachine({
    name: `test-${name}-${randomBytes(3).toString('hex')}`,
    image,
    accelerator: await findAccelerator(),
    config,
    ...others,
  });
}

/** Waits until the machine's API answers; gives what runs kubectl against it. */
export async function untilAnswers(machine: Machine, eachStepMs = patienceMs): Promise<Kubectl> {
  await apiAnswers(machine, eachStepMs);
  const kubeconfig = await fetchKubeconfig(machine, eachStepMs);
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return {
    kubeconfig,
    env,
    run: async (...args) => (await run(nodePrograms.kubectl, args, { env, timeoutMs: patienceMs })).stdout,
  };
}

/** Waits until its node is Ready, too. */
export async function untilReady(machine: Machine, eachStepMs = patienceMs): Promise<Kubectl> {
  const kubectl = await untilAnswers(machine, eachStepMs);
  await nodesReady(machine, await readFile(kubectl.kubeconfig, 'utf8'), 1, eachStepMs);
  return kubectl;
}

export interface Kubectl {
  kubeconfig: string;
  env: NodeJS.ProcessEnv;
  run(...args: string[]): Promise<string>;
}

/** Waits until the machine's console shows a text. */
export async function untilConsole(machine: Machine, pattern: RegExp): Promise<string> {
  return until(`${pattern} on the console`, patienceMs, async () => pattern.exec(await machine.console())?.[0], {
    machine,
  });
}
