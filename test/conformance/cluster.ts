import { KnarrError } from '../../src/base/errors.ts';

/** A cluster on this machine with the suite's images in place. */
export async function startCluster(): Promise<{ kubeconfig: string; stop(): Promise<void> }> {
  throw new KnarrError({
    code: 'unsupported',
    blame: 'user',
    message: 'give --kubeconfig FILE: the suite does not start a cluster by itself yet',
  });
}
