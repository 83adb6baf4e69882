import type { Secret } from '../../api/gen/core-v1.ts';
import { goErrorText } from '../../cri/channel.ts';
import type { ContainerRuntime } from '../../cri/runtime.ts';
import type { Image, SandboxConfig } from '../../cri/types.ts';
import type { NodePod } from '../pod/pod.ts';
import { createKeyedBackoff, goDuration } from '../worker/backoff.ts';
import { credentialsFor } from './credentials.ts';
import { withDefaultTag } from './reference.ts';

/** An image that cannot be had; `reason` is what the container's waiting state says. */
export class ImageError extends Error {
  readonly reason: string;
  /** ms until it is worth trying again, when that is known. */
  readonly retryMs: number | undefined;
  constructor(reason: string, message: string, retryMs?: number) {
    super(message);
    this.reason = reason;
    this.retryMs = retryMs;
  }
}

export interface ImagePuller {
  /** The image to create a container from; pulls it when the policy and what is there ask for it. Throws `ImageError`. */
  ensure(request: {
    pod: NodePod;
    image: string;
    policy: string | undefined;
    sandbox: SandboxConfig;
    runtimeHandler: string;
    secrets: () => Promise<Secret[]>;
    event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  }): Promise<{ ref: string; image: Image | undefined }>;
  /** When each image was last needed, by id: what image collection goes by. */
  readonly lastUsed: ReadonlyMap<string, number>;
  forget(podUid: string): void;
}

const named = /^(RegistryUnavailable|SignatureValidationFailed)(.*)$/s;

function reasonOf(image: string, text: string): { reason: string; message: string } {
  const match = named.exec(text);
  if (!match) return { reason: 'ErrImagePull', message: text };
  const why = match[1] === 'RegistryUnavailable' ? 'the registry is unavailable' : 'the signature validation failed';
  return { reason: match[1] as string, message: `image pull failed for ${image} because ${why}${match[2]}` };
}

export function createImagePuller(options: { runtime: ContainerRuntime; now?: () => number }): ImagePuller {
  const { runtime, now = Date.now } = options;
  const backoff = createKeyedBackoff({ initialMs: 10_000, maxMs: 300_000, now });
  const failures = new Map<string, string>();
  const pulling = new Map<string, Promise<string>>();
  const lastUsed = new Map<string, number>();

  const used = (image: Image | undefined): void => {
    if (image) lastUsed.set(image.id, now());
  };

  return {
    lastUsed,
    async ensure({ pod, image: requested, policy, sandbox, runtimeHandler, secrets, event }) {
      const image = withDefaultTag(requested);
      if (image === undefined) {
        const message = `Failed to apply default image tag ${JSON.stringify(requested)}: couldn't parse image name ${JSON.stringify(requested)}: invalid reference format`;
        event('Warning', 'InspectFailed', message);
        throw new ImageError('InvalidImageName', message);
      }
      const spec = { image, annotations: pod.metadata.annotations ?? {}, runtimeHandler };
      let present: Image | undefined;
      try {
        present = await runtime.imageStatus(spec);
      } catch (error) {
        const message = `Failed to inspect image ${JSON.stringify(requested)}: ${goErrorText(error)}`;
        event('Warning', 'InspectFailed', message);
        throw new ImageError('ImageInspectError', message);
      }
      const wanted = policy || (image.endsWith(':latest') ? 'Always' : 'IfNotPresent');
      if (present && wanted !== 'Always') {
        event(
          'Normal',
          'Pulled',
          `Container image ${JSON.stringify(requested)} already present on machine and can be accessed by the pod`,
        );
        used(present);
        return { ref: present.id, image: present };
      }
      if (wanted === 'Never') {
        const message = `Container image ${JSON.stringify(requested)} is not present with pull policy of Never`;
        event('Warning', 'ErrImageNeverPull', message);
        throw new ImageError('ErrImageNeverPull', message);
      }
      const key = `${pod.metadata.uid}_${requested}`;
      const waitMs = backoff.remaining(key, backoff.lastUpdate(key));
      if (waitMs > 0) {
        const message = `Back-off pulling image ${JSON.stringify(requested)}`;
        event('Normal', 'BackOff', message);
        const before = failures.get(key);
        throw new ImageError('ImagePullBackOff', before ? `${message}: ${before}` : message, waitMs);
      }
      failures.delete(key);
      event('Normal', 'Pulling', `Pulling image ${JSON.stringify(requested)}`);
      const began = now();
      try {
        const auths = [...credentialsFor(image, await secrets()), undefined];
        let lastError: unknown;
        let ref: string | undefined;
        for (const auth of auths) {
          const once = `${image}\0${JSON.stringify(auth ?? null)}`;
          const work = pulling.get(once) ?? runtime.pullImage(spec, auth, sandbox);
          pulling.set(once, work);
          try {
            ref = await work;
            break;
          } catch (error) {
            lastError = error;
          } finally {
            pulling.delete(once);
          }
        }
        if (ref === undefined) throw lastError;
        const took = goDuration(now() - began);
        const status = await runtime.imageStatus({ image: ref });
        used(status);
        event(
          'Normal',
          'Pulled',
          `Successfully pulled image ${JSON.stringify(requested)} in ${took} (${took} including waiting). Image size: ${status?.size ?? 0} bytes.`,
        );
        return { ref, image: status };
      } catch (error) {
        const text = goErrorText(error);
        event('Warning', 'Failed', `Failed to pull image ${JSON.stringify(requested)}: ${text}`);
        backoff.next(key);
        const { reason, message } = reasonOf(requested, text);
        failures.set(key, `${reason}: ${message}`);
        throw new ImageError(reason, message, backoff.get(key));
      }
    },
    forget(podUid) {
      backoff.forget(`${podUid}_`);
      for (const key of failures.keys()) if (key.startsWith(`${podUid}_`)) failures.delete(key);
    },
  };
}
