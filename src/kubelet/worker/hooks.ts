import type { Container, LifecycleHandler } from '../../api/gen/core-v1.ts';
import { delay } from '../../base/abort.ts';
import { KnarrError, messageOf } from '../../base/errors.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import { httpGet } from '../probes/http-probe.ts';
import { portNumber } from '../probes/probe.ts';

/** Runs one lifecycle hook to its end; rejects with why it failed. */
export async function runHook(options: {
  runtime: ContainerRuntime;
  handler: LifecycleHandler;
  container: Container;
  containerId: string;
  podIP: string;
  signal?: AbortSignal;
}): Promise<void> {
  const { runtime, handler, container, containerId, podIP, signal } = options;
  const failed = (message: string): KnarrError => new KnarrError({ code: 'hook-failed', blame: 'user', message });
  if (handler.exec) {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, handler.exec.command ?? [], 0);
    if (exitCode !== 0)
      throw failed(`command '${(handler.exec.command ?? []).join(' ')}' exited with ${exitCode}: ${stdout}${stderr}`);
    return;
  }
  if (handler.sleep) return delay(handler.sleep.seconds * 1000, signal);
  if (handler.httpGet) {
    const { scheme = 'HTTP', host, port, path = '', httpHeaders = [] } = handler.httpGet;
    const target = {
      scheme,
      host: host || podIP,
      port: portNumber(port, container),
      path,
      headers: httpHeaders,
    };
    const answer = await httpGet(target, 30_000, 'kube-lifecycle/1.36').catch((error: unknown) => {
      throw failed(messageOf(error));
    });
    if (answer.status >= 400) throw failed(`HTTP probe failed with statuscode: ${answer.status}`);
    return;
  }
  throw failed('invalid handler: neither exec, httpGet nor sleep');
}
