import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

export interface UpstreamPrograms {
  readonly controllerManager: string;
  readonly scheduler: string;
}

/** The programs in the folder that `KNARR_UPSTREAM` names, or why they cannot be used. */
export async function findUpstream(): Promise<UpstreamPrograms | string> {
  const folder = process.env.KNARR_UPSTREAM;
  if (!folder) return 'KNARR_UPSTREAM names no folder with kube-controller-manager and kube-scheduler of 1.36';
  const programs = {
    controllerManager: join(folder, 'kube-controller-manager'),
    scheduler: join(folder, 'kube-scheduler'),
  };
  for (const path of Object.values(programs)) {
    try {
      await access(path, constants.X_OK);
    } catch {
      return `${path} cannot be executed`;
    }
  }
  return programs;
}
