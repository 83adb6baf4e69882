import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { KnarrError } from '../base/errors.ts';
import { type MessageCodec, messageCodec } from './messages.ts';

export interface CallOptions {
  /** Default two minutes; `Infinity` for none. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** gRPC to a unix socket, one method at a time, by the names of the descriptor. */
export interface Channel {
  unary(service: string, method: string, request: object, options?: CallOptions): Promise<object>;
  stream(service: string, method: string, request: object, signal: AbortSignal): AsyncIterable<object>;
  close(): void;
}

const codes: Record<number, string> = Object.fromEntries(
  Object.entries(status).flatMap(([name, code]) => (typeof code === 'number' ? [[code, name]] : [])),
);

/**
 * What a call fails with: code `cri-<GRPC STATUS NAME>` in lower case with dashes, and the runtime's own message
 * (users see it in pod events). `KnarrError` with blame `world`.
 */
export function failure(method: string, error: ServiceError): KnarrError {
  const name = codes[error.code] ?? 'UNKNOWN';
  return new KnarrError({
    code: `cri-${name.toLowerCase().replaceAll('_', '-')}`,
    blame: 'world',
    message: error.details === '' || error.details === undefined ? error.message : error.details,
    details: { method, grpcCode: error.code, grpcName: name },
    cause: error,
  });
}

export const isCriNotFound = (error: unknown): boolean => error instanceof KnarrError && error.code === 'cri-not-found';
export const isCriUnimplemented = (error: unknown): boolean =>
  error instanceof KnarrError && error.code === 'cri-unimplemented';

/** As Go prints a gRPC error: `rpc error: code = Unknown desc = …`. */
export function goErrorText(error: unknown): string {
  if (!(error instanceof KnarrError) || !error.code.startsWith('cri-')) return (error as Error).message;
  const name = String(error.details.grpcName);
  const go =
    name === 'OK'
      ? name
      : name
          .split('_')
          .map((w) => w.charAt(0) + w.slice(1).toLowerCase())
          .join('');
  return `rpc error: code = ${go} desc = ${error.message}`;
}

/** A connection to a unix socket, made when it is first used. */
export const connectTo = (socketPath: string): Client =>
  new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.max_send_message_length': 16 * 1024 * 1024,
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 3000,
  });

/** One question, one answer; `path` is `/package.Service/Method`. */
export function callUnary(
  client: Client,
  path: string,
  codecs: { input: MessageCodec; output: MessageCodec },
  request: object,
  options: CallOptions & { metadata?: Metadata } = {},
): Promise<object> {
  const { timeoutMs = 120_000, signal, metadata = new Metadata() } = options;
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      (value: object) => codecs.input.encode(value),
      (bytes: Buffer) => codecs.output.decode(bytes),
      request,
      metadata,
      timeoutMs === Number.POSITIVE_INFINITY ? {} : { deadline: Date.now() + timeoutMs },
      (error, value) => {
        signal?.removeEventListener('abort', abort);
        if (error) reject(failure(path.slice(path.lastIndexOf('/') + 1), error));
        else resolve(value ?? {});
      },
    );
    const abort = (): void => call.cancel();
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

export function createChannel(socketPath: string): Channel {
  const client = connectTo(socketPath);
  const path = (service: string, method: string): string => `/runtime.v1.${service}/${method}`;
  return {
    unary: (service, method, request, options) =>
      callUnary(
        client,
        path(service, method),
        { input: messageCodec(requestType(method)), output: messageCodec(responseType(method)) },
        request,
        options,
      ),
    async *stream(service, method, request, signal) {
      const input = messageCodec(requestType(method));
      const output = messageCodec(responseType(method));
      const call = client.makeServerStreamRequest(
        path(service, method),
        (value: object) => input.encode(value),
        (bytes: Buffer) => output.decode(bytes),
        request,
      );
      const abort = (): void => call.cancel();
      signal.addEventListener('abort', abort, { once: true });
      try {
        for await (const value of call) yield value as object;
      } catch (error) {
        if (!signal.aborted) throw failure(method, error as ServiceError);
      } finally {
        signal.removeEventListener('abort', abort);
        call.cancel();
      }
    },
    close: () => client.close(),
  };
}

/** Two methods' messages are not named after the method. */
const requestNames: Record<string, string> = { GetContainerEvents: 'GetEventsRequest' };
const responseNames: Record<string, string> = { GetContainerEvents: 'ContainerEventResponse' };
const requestType = (method: string): string => requestNames[method] ?? `${method}Request`;
const responseType = (method: string): string => responseNames[method] ?? `${method}Response`;
