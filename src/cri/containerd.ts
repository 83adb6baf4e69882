import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientDuplexStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { toError } from '../base/errors.ts';
import { callUnary, connectTo, failure } from './channel.ts';
import facts from './facts/containerd-v1.json' with { type: 'json' };
import { createCodecs } from './messages.ts';

/** An image's record in containerd. */
export interface ImageRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What the name stands for. */
  readonly target: { readonly mediaType: string; readonly digest: string; readonly size: number };
}

/** What containerd can do with images and the CRI has no word for. Throws as a `Channel` does. */
export interface Containerd {
  listImages(): Promise<ImageRecord[]>;
  /** Sets labels of an image; an empty value takes one away. */
  labelImage(image: ImageRecord, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Removes the image's record and, before it resolves, all that only it needed. */
  removeImage(name: string): Promise<void>;
  /**
   * Imports the images of an OCI or Docker archive (plain, gzip or zstd) of all platforms, unpacked for this machine's;
   * each gets `labels` in the moment in which it is there. Resolves with their names.
   */
  importArchive(archive: AsyncIterable<Uint8Array>, labels: Readonly<Record<string, string>>): Promise<string[]>;
  close(): void;
}

interface Any {
  typeUrl: string;
  value: Uint8Array;
}

const codec = createCodecs(facts, 'containerd.v1');
const packages: Readonly<Record<string, string>> = {
  StreamInit: 'containerd.services.streaming.v1',
  Data: 'containerd.types.transfer',
  WindowUpdate: 'containerd.types.transfer',
  Progress: 'containerd.types.transfer',
  ImageImportStream: 'containerd.types.transfer',
  ImageStore: 'containerd.types.transfer',
};
const wrap = (name: string, value: object): Any => ({
  typeUrl: `${packages[name]}.${name}`,
  value: codec(name).encode(value),
});
const unwrap = (any: Any): { name: string; value: object } => {
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf('.') + 1);
  return { name, value: packages[name] === undefined ? {} : codec(name).decode(any.value) };
};

/** How much of an archive goes into one message. */
const chunkSize = 32 * 1024;

/** Images of the namespace `k8s.io`. `endpoint` is a socket's path, with or without `unix://`. */
export function createContainerd(options: { endpoint: string }): Containerd {
  const client = connectTo(options.endpoint.replace(/^unix:(\/\/)?/, ''));
  const metadata = new Metadata();
  metadata.set('containerd-namespace', 'k8s.io');
  /** In the name of a lease: what is made under it, streams too, no garbage collection takes away before its end. */
  const under = (lease: string): Metadata => {
    const own = metadata.clone();
    own.set('containerd-lease', lease);
    return own;
  };
  const call = (
    service: string,
    method: string,
    request: object,
    types: { input?: string; output?: string; timeoutMs?: number; lease?: string } = {},
  ): Promise<object> =>
    callUnary(
      client,
      `/containerd.services.${service}/${method}`,
      { input: codec(types.input ?? `${method}Request`), output: codec(types.output ?? 'Empty') },
      request,
      {
        metadata: types.lease === undefined ? metadata : under(types.lease),
        ...(types.timeoutMs === undefined ? {} : { timeoutMs: types.timeoutMs }),
      },
    );

  type Stream = ClientDuplexStream<Any, Any>;
  /** A stream that the service knows by `id` when this resolves. */
  const openStream = async (id: string, lease: string): Promise<Stream> => {
    const stream = client.makeBidiStreamRequest<Any, Any>(
      '/containerd.services.streaming.v1.Streaming/Stream',
      (value) => codec('Any').encode(value),
      (bytes) => codec('Any').decode(bytes) as Any,
      under(lease),
      {},
    );
    const registered = once(stream, 'data');
    stream.write(wrap('StreamInit', { id }));
    try {
      await registered;
    } catch (error) {
      throw failure('Stream', error as ServiceError);
    }
    // What goes wrong with it from now on is what the transfer says, too.
    stream.on('error', () => {});
    return stream;
  };

  /** Sends the archive, never more than the other side has room for; ends early when it wants no more. */
  const send = async (stream: Stream, archive: AsyncIterable<Uint8Array>): Promise<void> => {
    let room = 0;
    let over = false;
    let wake: (() => void) | undefined;
    stream.on('data', (any: Any) => {
      const { name, value } = unwrap(any);
      if (name === 'WindowUpdate') room += (value as { update: number }).update;
      wake?.();
    });
    for (const event of ['end', 'error', 'close'])
      stream.on(event, () => {
        over = true;
        wake?.();
      });
    for await (const part of archive)
      for (let at = 0; at < part.length && !over; ) {
        if (room <= 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const data = part.subarray(at, at + Math.min(chunkSize, room));
        at += data.length;
        room -= data.length;
        stream.write(wrap('Data', { data }));
      }
    stream.end();
  };

  return {
    async listImages() {
      const answer = await call(
        'images.v1.Images',
        'List',
        {},
        { input: 'ListImagesRequest', output: 'ListImagesResponse' },
      );
      return (answer as { images: ImageRecord[] }).images;
    },
    async labelImage(image, labels) {
      const request = {
        // containerd 1.7 ends with a fault of its own when the target is left out.
        image: { ...image, labels },
        updateMask: { paths: Object.keys(labels).map((key) => `labels.${key}`) },
      };
      await call('images.v1.Images', 'Update', request, { input: 'UpdateImageRequest', output: 'UpdateImageResponse' });
    },
    async removeImage(name) {
      await call('images.v1.Images', 'Delete', { name, sync: true }, { input: 'DeleteImageRequest' });
    },
    async importArchive(archive, labels) {
      const id = randomUUID();
      // It ends by itself should nobody be left to end it.
      const expires = new Date(Date.now() + 24 * 3_600_000).toISOString();
      const lease = { id: `knarr-${id}`, labels: { 'containerd.io/gc.expire': expires } };
      await call('leases.v1.Leases', 'Create', lease, { input: 'CreateLeaseRequest' });
      const [data, progress] = await Promise.all([
        openStream(`import-${id}`, lease.id),
        openStream(`progress-${id}`, lease.id),
      ]);
      const names: string[] = [];
      progress.on('data', (any: Any) => {
        const { name, value } = unwrap(any);
        const { event, name: image } = value as { event: string; name: string };
        if (name === 'Progress' && event === 'saved') names.push(image);
      });
      const told = once(progress, 'end').catch(() => {});
      const sending = send(data, archive).then(
        () => undefined,
        (error: Error) => {
          data.cancel();
          return error;
        },
      );
      try {
        const transfer = call(
          'transfer.v1.Transfer',
          'Transfer',
          {
            source: wrap('ImageImportStream', { stream: `import-${id}` }),
            destination: wrap('ImageStore', {
              labels,
              // Images go by the names that the archive gives them.
              extraReferences: [{ name: 'import', isPrefix: true, allowOverwrite: true }],
              unpacks: [{ platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch } }],
            }),
            options: { progressStream: `progress-${id}` },
          },
          { timeoutMs: 1_800_000, lease: lease.id },
        );
        const [unread, refused] = await Promise.all([sending, transfer.then(() => undefined, toError)]);
        const error = unread ?? refused;
        if (error !== undefined) throw error;
        await told;
        return names;
      } finally {
        data.cancel();
        progress.cancel();
        await call('leases.v1.Leases', 'Delete', { id: lease.id }, { input: 'DeleteLeaseRequest' }).catch(() => {});
      }
    },
    close: () => client.close(),
  };
}
