import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ApiError } from '../../api/status.ts';
import { badRequest, internalError } from '../../api/status.ts';
import type { Logger } from '../../base/log.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authentication } from '../authn/authenticate.ts';
import type { Impersonation } from '../authn/impersonation/impersonation.ts';
import { type Authorizer, refusal } from '../authz/authorizer.ts';
import type { Upgrade } from '../connect/relay.ts';
import type { Call } from '../handlers/call.ts';
import type { Dispatch } from '../handlers/dispatch.ts';
import type { RequestMetrics } from '../metrics/requests.ts';
import type { Exchange } from './exchange.ts';
import type { OpenWatches } from './open-watches.ts';
import { callOf, errorAnswer, tellNotes } from './pipeline.ts';
import { readBody } from './read-body.ts';
import { serveWebSocketWatch } from './websocket-watch.ts';

export interface UpgradeOptions {
  authentication: Authentication;
  authorizer: Authorizer;
  impersonation: Impersonation;
  dispatch: Dispatch;
  metrics: RequestMetrics;
  log: Logger;
  /** Where handlers find the upgrade of a call. */
  upgrades: WeakMap<Call, Upgrade>;
  openWatches: OpenWatches;
  audit: Audit | undefined;
}

/** Writes an answer on a connection that node:http has handed over. */
function answerRaw(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.status);
  socket.end(
    `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? ''}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const never = (): never => {
  throw badRequest('this request cannot be upgraded');
};

/** The part of an exchange that authentication and handlers look at; an upgrade has no ordinary answer. */
function exchangeOf({ request, socket }: Upgrade): Exchange {
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    protocol: 'HTTP/1.1',
    socket: request.socket as TLSSocket,
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    hasBody: false,
    added: undefined,
    incoming: request,
    readBody: (limit) => readBody(request, limit),
    respond: never,
    open: never,
    onClose: (callback) => void socket.once('close', callback),
    takeOver: never,
  };
}

/** Exec and its kin need the right to create, also where a WebSocket makes the request a GET. */
const streaming = new Set(['exec', 'attach', 'portforward']);

/** WebSocket and SPDY upgrades: authenticated and authorized like any request, then handed to a connecting handler. */
export function createUpgradeHandler(
  options: UpgradeOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { authentication, authorizer, impersonation, dispatch, metrics, log, upgrades } = options;

  const serve = async (upgrade: Upgrade): Promise<void> => {
    const started = performance.now();
    const exchange = exchangeOf(upgrade);
    let call: Call | undefined;
    try {
      const asker = await authentication.authenticate(exchange);
      const record = options.audit?.begin(exchange, asker, started);
      if (record?.received && !(await record.received)) throw internalError('failed to store audit event');
      const acting = await impersonation.actingOf(asker, exchange);
      if (acting) record?.actsAs(acting);
      call = callOf(exchange, acting?.user ?? asker, record);
      tellNotes(call, authentication.notesOf(asker));
      metrics.began(call.info);
      record?.taken();
      upgrades.set(call, upgrade);
      const { info, user } = call;
      if (info.resource === 'pods' && streaming.has(info.subresource) && info.verb === 'get') {
        const create = { ...info, verb: 'create' };
        const decision = await authorizer.authorize(user, create);
        if (!decision.allowed) throw refusal(user, create, decision);
      }
      const answer = await dispatch(call);
      if (answer.kind === 'watch') await serveWebSocketWatch(call, upgrade, answer, options.openWatches);
      else if (answer.kind !== 'taken') throw badRequest('this request cannot be upgraded');
      metrics.observe(call, 101, started);
    } catch (error) {
      const told = errorAnswer(error, log, `${exchange.method} ${exchange.url}`);
      answerRaw(upgrade.socket, told);
      if (call) metrics.observe(call, told.code, started);
    }
  };

  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    void serve({ request, socket, head });
  };
}
