import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Status } from '../../api/gen/meta-v1.ts';
import { microTimeText } from '../../api/literals.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ApiError } from '../../api/status.ts';
import type { Acting } from '../authn/impersonation/impersonation.ts';
import type { Decision } from '../authz/authorizer.ts';
import type { Answer } from '../handlers/call.ts';
import { answeredObject, sentList } from '../http/encode.ts';
import { type Exchange, headerOf } from '../http/exchange.ts';
import { parseRequestInfo, type RequestInfo } from '../http/request-info.ts';
import { parseQuery } from '../http/request-target.ts';
import type { AuditMetrics } from '../metrics/audit.ts';
import type { UserInfo } from '../server.ts';
import {
  agentOf,
  defaulted,
  objectReference,
  sourcesOf,
  transformed,
  userOf,
  withoutManagedFields,
} from './event-parts.ts';
import { createLatencies, type Layer } from './latencies.ts';
import type { AuditSink } from './log-file.ts';
import { type Policy, parsePolicy, type Recording, recordingOf, type Stage } from './policy.ts';

/** The record of one request on its way. */
export interface AuditRecord {
  /** Takes the request's place: what is read and answered through it is recorded. */
  readonly exchange: Exchange;
  /** Where the request is to wait until its coming is written; false: it is to be refused. */
  readonly received: Promise<boolean> | undefined;
  /** So many milliseconds went there. */
  spent(layer: Layer, ms: number): void;
  /** As whom else the request acts, once that is known. */
  actsAs(acting: Acting): void;
  /** What the authorizer says of it. */
  decided(decision: Decision): void;
  /** What else is told of it; the first value of a key stays. */
  annotate(key: string, value: string): void;
  /** What the request's body says. */
  requested(object: object): void;
  answered(answer: Answer): void;
  failed(error: ApiError): void;
  /** Nobody knows who asks: that is all there is to record. */
  refused(error: ApiError): void;
  /** For a connection that is taken over: there is no answer to see. */
  taken(): void;
}

export interface Audit {
  /** Reads the policy; throws when it cannot be used. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Undefined where nothing of the request is recorded. `began`: a `performance.now()`. */
  begin(exchange: Exchange, user: UserInfo, began: number): AuditRecord | undefined;
  /** A request is refused because its coming could not be recorded. */
  unrecorded(): void;
  /** Records whom nobody could recognize. */
  refused(exchange: Exchange, error: ApiError, began: number): Exchange | undefined;
}

export interface AuditOptions {
  policyFile: string;
  sinks: readonly AuditSink[];
  metrics: AuditMetrics;
  warn?: (text: string) => void;
}

const nobody: UserInfo = { name: '', groups: [] };

/** Writes what happens to requests as lines of `audit.k8s.io/v1` Events, as a policy says. */
export function createAudit(options: AuditOptions): Audit {
  const { sinks, metrics } = options;
  let policy: Policy | undefined;

  const record = (
    exchange: Exchange,
    user: UserInfo,
    { info, recording, began }: { info: RequestInfo; recording: Recording; began: number },
  ): AuditRecord => {
    const latencies = createLatencies(began);
    const auditID = headerOf(exchange.headers, 'audit-id') || randomUUID();
    const wants = (level: Recording['level']): boolean => recording.level === level;
    const received = new Date(Date.now() - (performance.now() - began));
    const reference = objectReference(info);
    const more: Record<string, unknown> = {};
    const annotations = new Map<string, string>();
    const annotate = (key: string, value: string): void => {
      // What a webhook has altered tells of the object's content.
      if (key.startsWith('patch.webhook.admission.k8s.io/') && !recording.level.startsWith('Request')) return;
      if (!annotations.has(key)) annotations.set(key, value);
    };
    let responseStatus: Partial<Status> | undefined;
    let over = false;
    const shown = (value: unknown): unknown => (recording.omitManagedFields ? withoutManagedFields(value) : value);

    const tell = (stage: Stage): Promise<boolean> | undefined => {
      if (over || recording.omitStages.has(stage)) return undefined;
      const event = {
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: recording.level,
        auditID,
        stage,
        requestURI: exchange.url,
        verb: info.verb,
        user: userOf(user),
        ...(more.impersonatedUser ? { impersonatedUser: more.impersonatedUser } : {}),
        ...(more.authenticationMetadata ? { authenticationMetadata: more.authenticationMetadata } : {}),
        sourceIPs: sourcesOf(exchange),
        userAgent: agentOf(exchange),
        ...(reference ? { objectRef: reference } : {}),
        ...(responseStatus ? { responseStatus } : {}),
        ...(more.requestObject === undefined ? {} : { requestObject: more.requestObject }),
        ...(more.responseObject === undefined ? {} : { responseObject: more.responseObject }),
        requestReceivedTimestamp: microTimeText(received),
        stageTimestamp: microTimeText(new Date()),
        ...(annotations.size > 0 ? { annotations: Object.fromEntries([...annotations].sort()) } : {}),
      };
      const line = `${JSON.stringify(event)}\n`;
      metrics.event();
      const written = sinks.flatMap((sink) => {
        const taken = sink.write(line);
        return taken ? [taken.then((good) => good || !sink.strict)] : [];
      });
      return written.length === 0 ? undefined : Promise.all(written).then((all) => all.every(Boolean));
    };
    const noteStatus = ({ status = 'Failure', message, reason, details }: Partial<Status>): void => {
      responseStatus = {
        metadata: {},
        status,
        ...(message ? { message } : {}),
        ...(reason ? { reason } : {}),
        ...(details ? { details } : {}),
      };
    };
    const complete = (code: number): Promise<boolean> | undefined => {
      responseStatus = { metadata: {}, ...responseStatus, code };
      for (const [key, value] of latencies.annotations()) annotate(key, value);
      const written = tell('ResponseComplete');
      over = true;
      return written;
    };
    const failed = ({ status }: ApiError): void => {
      noteStatus(status);
      if (wants('RequestResponse')) more.responseObject = status;
    };
    const stored = tell('RequestReceived');
    return {
      received: stored,
      spent: (layer, ms) => latencies.add(layer, ms),
      exchange: Object.assign(Object.create(exchange) as Exchange, {
        respond(...[status, headers, body]: Parameters<Exchange['respond']>) {
          if (wants('RequestResponse')) {
            const other = transformed(exchange.headers, body);
            if (other !== undefined) more.responseObject = shown(other);
          }
          const send = (): void => exchange.respond(status, { ...headers, 'audit-id': auditID }, body);
          const written = complete(status);
          if (written) void written.then(send);
          else send();
        },
        open(...[status, headers]: Parameters<Exchange['open']>) {
          responseStatus = { metadata: {}, code: status };
          tell('ResponseStarted');
          exchange.onClose(() => complete(status));
          return exchange.open(status, { ...headers, 'audit-id': auditID });
        },
      }),
      actsAs({ user: actor, constraint }) {
        more.impersonatedUser = userOf(actor);
        if (constraint !== undefined) more.authenticationMetadata = { impersonationConstraint: constraint };
      },
      decided({ allowed, reason, error }) {
        latencies.since('authorization');
        if (error === undefined || allowed) annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
        annotate('authorization.k8s.io/reason', error === undefined || allowed ? reason : 'internal error');
      },
      annotate,
      requested(object) {
        const { name, uid, resourceVersion } = (object as Partial<KubernetesObject>).metadata ?? {};
        if (reference && info.verb !== 'patch')
          for (const [key, value] of Object.entries({ name, uid, resourceVersion }))
            if (value) reference[key] ??= value;
        if (!wants('Metadata'))
          more.requestObject = shown(info.verb === 'patch' ? structuredClone(object) : defaulted(object));
      },
      answered(answer) {
        const object = answer.kind === 'object' ? (answer.object as Partial<Status>) : {};
        if (object.kind === 'Status') noteStatus(object);
        if (wants('RequestResponse')) more.responseObject = shown(answeredObject(answer, sentList));
      },
      failed,
      refused(error) {
        failed(error);
        responseStatus = { ...responseStatus, code: error.code };
        tell('ResponseStarted');
        over = true;
      },
      taken() {
        responseStatus = { metadata: {}, code: 101 };
        tell('ResponseStarted');
        exchange.onClose(() => complete(101));
      },
    };
  };

  const begin = (
    exchange: Exchange,
    user: UserInfo,
    began: number,
    omit: readonly Stage[] = [],
  ): AuditRecord | undefined => {
    if (!policy) return undefined;
    const mark = exchange.url.indexOf('?');
    const path = mark < 0 ? exchange.url : exchange.url.slice(0, mark);
    const query = parseQuery(mark < 0 ? '' : exchange.url.slice(mark + 1));
    const info = parseRequestInfo(exchange.method, path, query);
    const found = recordingOf(policy, info, user);
    metrics.level(found?.level ?? 'None');
    const omitStages = new Set([...(found?.omitStages ?? []), ...omit]);
    return found && record(exchange, user, { info, recording: { ...found, omitStages }, began });
  };

  return {
    async start() {
      policy = parsePolicy(await readFile(options.policyFile, 'utf8'), options.policyFile, options.warn);
      for (const sink of sinks) await sink.start?.();
    },
    async stop() {
      await Promise.all(sinks.map((sink) => sink.flush()));
    },
    begin,
    unrecorded: metrics.rejected,
    refused(exchange, error, began) {
      const record = begin(exchange, nobody, began, ['RequestReceived']);
      record?.refused(error);
      return record?.exchange;
    },
  };
}
