import { ApiError, badRequest, internalError, unsupportedMediaType } from '../../api/status.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Audit, AuditRecord } from '../audit/audit.ts';
import type { Authentication } from '../authn/authenticate.ts';
import type { TokenNotes } from '../authn/authenticator.ts';
import type { Impersonation } from '../authn/impersonation/impersonation.ts';
import type { FlowControl } from '../flow-control/flow-control.ts';
import type { Answer, Call, CallBody } from '../handlers/call.ts';
import type { Dispatch } from '../handlers/dispatch.ts';
import { createContext } from '../handlers/options.ts';
import type { ConnectionMetrics } from '../metrics/connections.ts';
import type { IdentityMetrics } from '../metrics/identity.ts';
import type { RequestMetrics } from '../metrics/requests.ts';
import type { StoreMetrics } from '../metrics/store.ts';
import type { UserInfo } from '../server.ts';
import { sendAnswer, sendError } from './answer.ts';
import { deadlineOf, isTooLate, within } from './deadline.ts';
import { type Exchange, headerOf } from './exchange.ts';
import { bodyEncoding } from './negotiate.ts';
import type { OpenWatches } from './open-watches.ts';
import { parseRequestInfo } from './request-info.ts';
import { parseQuery } from './request-target.ts';

/** The largest body of a request, as upstream. */
export const bodyLimit = 3 * 1024 * 1024;

const noQuery = new URLSearchParams();

export interface PipelineOptions {
  authentication: Authentication;
  impersonation: Impersonation;
  dispatch: Dispatch;
  flowControl: FlowControl;
  metrics: RequestMetrics;
  identity: Pick<IdentityMetrics, 'authenticated' | 'filtered'>;
  connections: Pick<ConnectionMetrics, 'body'>;
  store: Pick<StoreMetrics, 'listed'>;
  openWatches: OpenWatches;
  audit: Audit | undefined;
  /** How long an ordinary request may take. Default a minute. */
  timeoutMs?: number | undefined;
  log: Logger;
}

/** An exchange as a call; `user` is known by now. */
export function callOf(exchange: Exchange, user: UserInfo, record?: AuditRecord): Call {
  const { url, method, headers } = exchange;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? noQuery : parseQuery(url.slice(mark + 1));
  const warnings: string[] = [];
  let signal: AbortSignal | undefined;
  return {
    method,
    url,
    info: parseRequestInfo(method, path, query),
    query,
    user,
    headers,
    warnings,
    exchange,
    decided: record?.decided,
    requested: record?.requested,
    context: createContext({
      user,
      query,
      userAgent: headerOf(headers, 'user-agent'),
      warnings,
      annotate: record?.annotate,
      spent: record?.spent,
      signal: () => {
        if (!signal) {
          const controller = new AbortController();
          exchange.onClose(() => controller.abort());
          signal = controller.signal;
        }
        return signal;
      },
    }),
    body: async (): Promise<CallBody> => {
      if (headerOf(headers, 'content-encoding') !== undefined)
        throw unsupportedMediaType('a request body with a content-encoding is not supported');
      const bytes = await exchange.readBody(bodyLimit);
      const contentType = headerOf(headers, 'content-type');
      return { kind: 'bytes', bytes, contentType, encoding: bodyEncoding(contentType) };
    },
  };
}

/** What is told of the token by which somebody asks. */
export function tellNotes({ context }: Call, notes: TokenNotes | undefined): void {
  if (!notes) return;
  for (const [key, value] of Object.entries(notes.annotations)) context.annotate?.(key, value);
  for (const warning of notes.warnings) context.warn(warning);
}

/** Anything thrown as what the client is told; what is no ApiError is our bug and goes to the log. */
export function errorAnswer(error: unknown, log: Logger, what: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof URIError) return badRequest(error.message);
  log.error('a request failed inside the server', {
    request: what,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return internalError(messageOf(error));
}

const textHeaders = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
const unrecorded = (url: string): string =>
  `Internal Server Error: ${JSON.stringify(url)}: failed to store audit event\n`;

/** Takes one exchange from its first byte to its answer. */
export function createPipeline(options: PipelineOptions): (exchange: Exchange) => void {
  const { authentication, impersonation, dispatch, metrics, log } = options;
  const { filtered } = options.identity;

  const serve = async (incoming: Exchange): Promise<void> => {
    const started = performance.now();
    let exchange = incoming;
    let call: Call | undefined;
    let record: AuditRecord | undefined;
    let leave: ((ms: number) => void) | undefined;
    let entered = 0;
    try {
      const known = authentication.authenticate(exchange);
      const asker = known instanceof Promise ? await known : known;
      const authenticated = performance.now();
      options.identity.authenticated(asker.name, authenticated - started);
      record = options.audit?.begin(exchange, asker, started);
      if (record?.received && !(await record.received)) {
        options.audit?.unrecorded();
        incoming.respond(500, textHeaders, unrecorded(incoming.url));
        return;
      }
      record?.spent('authentication', authenticated - started);
      const recognized = performance.now();
      exchange = record?.exchange ?? exchange;
      const found = impersonation.actingOf(asker, exchange);
      const acting = found instanceof Promise ? await found : found;
      if (acting) record?.actsAs(acting);
      const judged = performance.now();
      filtered.impersonation(judged - recognized);
      if (acting) record?.spent('impersonation', judged - recognized);
      call = callOf(exchange, acting?.user ?? asker, record);
      tellNotes(call, authentication.notesOf(asker));
      metrics.began(call.info);
      const deadline = deadlineOf(call.info, call.query, options.timeoutMs);
      const seat = options.flowControl.enter(incoming, call.user, call.info);
      leave = seat instanceof Promise ? await seat : seat;
      entered = performance.now();
      filtered.priorityandfairness(entered - judged);
      record?.spent('apf-queue-wait', entered - judged);
      const dispatched = dispatch(call);
      const inTime =
        dispatched instanceof Promise && deadline !== undefined
          ? within(deadline, dispatched, metrics.late)
          : dispatched;
      const answer = inTime instanceof Promise ? await inTime : inTime;
      if (call.info.isResource) noteBody(call, options.connections);
      leave?.(performance.now() - entered);
      leave = undefined;
      record?.answered(answer);
      if (answer.kind === 'list') options.store.listed(call.info.group, call.info.resource, answer.result.items.length);
      if (answer.kind === 'watch') exchange.onClose(metrics.watching(call));
      await sendAnswer(exchange, call, answer, options.openWatches);
      metrics.observe(call, statusOf(answer), started, readBytes(call, answer));
    } catch (error) {
      leave?.(performance.now() - entered);
      const told = errorAnswer(error, log, `${exchange.method} ${exchange.url}`);
      if (!call && told.code === 401) {
        options.identity.authenticated(undefined, performance.now() - started);
        exchange = options.audit?.refused(exchange, told, started) ?? exchange;
      } else record?.failed(told);
      sendError(exchange, told, call?.warnings);
      if (!call) return;
      // Nobody entered: there was no seat.
      if ((entered === 0 && told.code === 429) || isTooLate(told)) metrics.terminated(call, told.code);
      metrics.observe(call, told.code, started);
    }
  };
  return (exchange) => void serve(exchange);
}

function noteBody({ info, headers }: Call, connections: PipelineOptions['connections']): void {
  const length = Number(headerOf(headers, 'content-length') ?? 0);
  if (length > 0) connections.body(info, length);
}

/** How much a read was answered; the items of a list, without what is around them. */
function readBytes({ info }: Call, answer: Answer): number | undefined {
  if (info.verb !== 'get' && info.verb !== 'list') return undefined;
  switch (answer.kind) {
    case 'stored':
      return answer.stored.bytes.length;
    case 'list':
      return answer.result.items.reduce((sum, { bytes }) => sum + bytes.length, 0);
    case 'bytes':
      return answer.body.length;
    default:
      return undefined;
  }
}

function statusOf(answer: Awaited<ReturnType<Dispatch>>): number {
  return 'status' in answer ? answer.status : answer.kind === 'taken' ? 101 : 200;
}
