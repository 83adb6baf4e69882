import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from '../facts/kms-v2.json' with { type: 'json' };

const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);

/** For tests: a KMS v2 plug-in that turns bytes around; `keyId` may be changed under way. */
export async function startKmsPlugin(socket: string) {
  const plugin = { keyId: 'one', calls: [] as string[], stop: () => server.forceShutdown() };
  const turned = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();
  const answers: Record<string, (request: Record<string, Buffer>) => object> = {
    Status: () => ({ version: 'v2', healthz: 'ok', key_id: plugin.keyId }),
    Encrypt: ({ plaintext }) => ({
      ciphertext: turned(plaintext as Buffer),
      key_id: plugin.keyId,
      annotations: { 'x.example.org': Buffer.from('note') },
    }),
    Decrypt: ({ ciphertext }) => ({ plaintext: turned(ciphertext as Buffer) }),
  };
  const server = new Server();
  const methods = Object.keys(answers);
  const codec = (name: string) => root.lookupType(`v2.${name}`);
  const definition = Object.fromEntries(
    methods.map((method) => [
      method,
      {
        path: `/v2.KeyManagementService/${method}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: object) => Buffer.from(codec(`${method}Request`).encode(value).finish()),
        requestDeserialize: (bytes: Buffer) => codec(`${method}Request`).decode(bytes),
        responseSerialize: (value: object) =>
          Buffer.from(
            codec(`${method}Response`)
              .encode(codec(`${method}Response`).fromObject(value as never))
              .finish(),
          ),
        responseDeserialize: (bytes: Buffer) => codec(`${method}Response`).decode(bytes),
      },
    ]),
  );
  const handlers = Object.fromEntries(
    methods.map((method) => [
      method,
      (call: { request: Record<string, Buffer> }, callback: (error: null, value: object) => void) => {
        plugin.calls.push(method);
        callback(null, answers[method]?.(call.request) ?? {});
      },
    ]),
  );
  server.addService(definition, handlers as unknown as UntypedServiceImplementation);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return plugin;
}
