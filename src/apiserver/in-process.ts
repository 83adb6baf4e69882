import { badRequest } from '../api/status.ts';
import { rounded } from '../base/exact-json.ts';
import type { Logger } from '../base/log.ts';
import type { RawRequest, Transport } from '../client/client.ts';
import { goodFrame } from '../client/create-client.ts';
import type { Answer, Call } from './handlers/call.ts';
import type { Dispatch } from './handlers/dispatch.ts';
import { createContext } from './handlers/options.ts';
import { noSuchResource } from './handlers/router-errors.ts';
import { answeredObject, listObject } from './http/encode.ts';
import { errorAnswer } from './http/pipeline.ts';
import { parseRequestInfo } from './http/request-info.ts';
import type { ListResult, Maybe, ResourceStore, Stored } from './registry/types.ts';
import type { UserInfo } from './server.ts';

const never = new AbortController().signal;
const noHeaders = {};

function queryOf(query: RawRequest['query']): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    if (typeof value === 'string') result.append(name, value);
    else for (const item of value) result.append(name, item);
  }
  return result;
}

function callOf(request: RawRequest, user: UserInfo, component: string): Call {
  const mark = request.path.indexOf('?');
  const path = mark < 0 ? request.path : request.path.slice(0, mark);
  const query = queryOf(request.query);
  if (mark >= 0)
    for (const [name, value] of new URLSearchParams(request.path.slice(mark + 1))) query.append(name, value);
  const warnings: string[] = [];
  return {
    method: request.method,
    url: request.path,
    info: parseRequestInfo(request.method, path, query),
    query,
    user,
    headers: noHeaders,
    warnings,
    exchange: undefined,
    context: createContext({
      user,
      query,
      userAgent: component,
      warnings,
      signal: () => request.signal ?? never,
    }),
    body: () => ({ kind: 'value', value: request.body, contentType: request.contentType }),
  };
}

const whole = ({ object }: Stored): object => object;
/** Not frozen, as `object` is: that would cost more than all else about an event. */
const partial = ({ metadata }: Stored): object => ({ metadata });
const listPartial = (store: ResourceStore, result: ListResult): object => listObject(store, result, partial);

function bodyOf(answer: Answer, metadataOnly = false): unknown {
  const object = answeredObject(answer, metadataOnly ? listPartial : listObject);
  // Programs reckon with doubles.
  if (object !== undefined) return rounded(object);
  if (answer.kind !== 'bytes') throw badRequest('a stream cannot be answered as one object');
  const text = answer.body.toString();
  return answer.type.startsWith('application/json') ? JSON.parse(text) : text;
}

/** Access as `user` with no socket and no bytes. `component` stands for the user agent. */
export function createInProcessTransport(options: {
  dispatch: Dispatch;
  user: UserInfo;
  component: string;
  log: Logger;
}): Transport {
  const { dispatch, user, component, log } = options;
  return {
    async send(request) {
      try {
        const answer = await dispatch(callOf(request, user, component));
        return { status: 'status' in answer ? answer.status : 200, body: bodyOf(answer, request.metadataOnly) };
      } catch (error) {
        const told = errorAnswer(error, log, `${request.method} ${request.path}`);
        return { status: told.code, body: told.status };
      }
    },
    stream: (request) => follow(() => dispatch(callOf(request, user, component)), request),
  };
}

/** The most events that wait for a slow reader in the process. */
const mostWaiting = 100_000;

/** One generator from the events to their reader: each that stands between costs more than most events. */
async function* follow(
  ask: () => Maybe<Answer>,
  { signal, metadataOnly = false }: Pick<RawRequest, 'signal' | 'metadataOnly'>,
): AsyncIterable<{ type: string; object: unknown }> {
  const answer = await ask();
  if (answer.kind === 'frames') {
    for await (const frame of answer.frames) yield goodFrame(frame);
    return;
  }
  // A resource that is not served (any more) is the router's business, which has only bytes for it.
  if (answer.kind === 'bytes' && answer.status === 404) throw noSuchResource();
  if (answer.kind !== 'watch') throw badRequest('this request is no watch');
  const shown = metadataOnly ? partial : whole;
  let waiting: { type: string; object: unknown }[] = [];
  let over = signal?.aborted ?? false;
  let wake: (() => void) | undefined;
  const rouse = (): void => {
    wake?.();
    wake = undefined;
  };
  const end = (): void => {
    over = true;
    rouse();
  };
  if (over) return;
  const watch = await answer.store.watch(answer.options, {
    onEvents(events) {
      for (const { type, stored } of events) waiting.push({ type, object: rounded(shown(stored)) });
      if (waiting.length > mostWaiting) over = true;
      rouse();
    },
    onClose: end,
  });
  const timer = setTimeout(end, answer.timeoutMs);
  timer.unref();
  signal?.addEventListener('abort', end, { once: true });
  try {
    while (true) {
      const batch = waiting;
      waiting = [];
      for (const event of batch) {
        if (signal?.aborted) return;
        yield event;
      }
      if (waiting.length > 0) continue;
      if (over) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    watch.stop();
  }
}
