import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Status } from '../../api/gen/meta-v1.ts';
import type { ApiError } from '../../api/status.ts';
import type { Acting } from '../authn/impersonation/impersonation.ts';
import type { Decision } from '../authz/authorizer.ts';
import { bodyValue } from '../handlers/body.ts';
import type { Answer } from '../handlers/call.ts';
import { listObject } from '../http/encode.ts';
import { type Exchange, headerOf } from '../http/exchange.ts';
import { bodyEncoding } from '../http/negotiate.ts';
import { parseRequestInfo, type RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../server.ts';
import type { AuditSink } from './log-file.ts';
import { type Policy, parsePolicy, type Recording, recordingOf, type Stage } from './policy.ts';

/** The record of one request on its way. */
export interface AuditRecord {
  /** Takes the request's place: what is read and answered through it is recorded. */
  readonly exchange: Exchange;
  /** As whom else the request acts, once that is known. */
  actsAs(acting: Acting): void;
  /** What the authorizer says of it. */
  decided(decision: Decision): void;
  /** What else is told of it; the first value of a key stays. */
  annotate(key: string, value: string): void;
  answered(answer: Answer): void;
  failed(error: ApiError): void;
  /** For a connection that is taken over: there is no answer to see. */
  taken(): void;
}

export interface Audit {
  /** Reads the policy; throws when it cannot be used. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Undefined where nothing of the request is recorded. */
  begin(exchange: Exchange, user: UserInfo): AuditRecord | undefined;
}

export interface AuditOptions {
  policyFile: string;
  sinks: readonly AuditSink[];
  warn?: (text: string) => void;
}

/** Go's microseconds. */
const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z');

function sourcesOf(exchange: Exchange): string[] {
  const forwarded = (headerOf(exchange.headers, 'x-forwarded-for') ?? '').split(',').map((part) => part.trim());
  const real = headerOf(exchange.headers, 'x-real-ip') ?? '';
  const remote = exchange.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  return [...new Set([...forwarded, real, remote])].filter((address) => address !== '');
}

const userOf = ({ name, uid, groups, extra }: UserInfo): object => ({
  username: name,
  ...(uid ? { uid } : {}),
  ...(groups.length > 0 ? { groups } : {}),
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
});

function objectReference(info: RequestInfo): Record<string, string> | undefined {
  if (!info.isResource) return undefined;
  const { resource, namespace, name, group, version, subresource } = info;
  const all = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
}

function withoutManagedFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { metadata, items } = value as { metadata?: object; items?: unknown[] };
  const bare = metadata && 'managedFields' in metadata ? { ...metadata, managedFields: undefined } : metadata;
  return {
    ...value,
    ...(metadata ? { metadata: bare } : {}),
    ...(Array.isArray(items) ? { items: items.map(withoutManagedFields) } : {}),
  };
}

function answeredObject(answer: Answer): unknown {
  switch (answer.kind) {
    case 'stored':
      return answer.stored.object;
    case 'object':
      return answer.object;
    case 'list':
      return listObject(answer.store, answer.result);
    default:
      return undefined;
  }
}

/** A body as the event shows it; what cannot be read is left out. */
function readable(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return undefined;
  const patch = contentType?.includes('patch') ?? false;
  const encoding = patch ? (contentType?.includes('yaml') ? 'yaml' : 'json') : bodyEncoding(contentType);
  try {
    return bodyValue({ kind: 'bytes', bytes, contentType, encoding }, '');
  } catch {
    return undefined;
  }
}

/** Writes what happens to requests as lines of `audit.k8s.io/v1` Events, as a policy says. */
export function createAudit(options: AuditOptions): Audit {
  const { sinks } = options;
  let policy: Policy | undefined;

  const record = (exchange: Exchange, user: UserInfo, info: RequestInfo, recording: Recording): AuditRecord => {
    const auditID = headerOf(exchange.headers, 'audit-id') || randomUUID();
    const contentType = headerOf(exchange.headers, 'content-type');
    const wants = (level: Recording['level']): boolean => recording.level === level;
    const received = new Date();
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

    const tell = (stage: Stage): void => {
      if (over || recording.omitStages.has(stage)) return;
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
        userAgent: headerOf(exchange.headers, 'user-agent'),
        ...(reference ? { objectRef: reference } : {}),
        ...(responseStatus ? { responseStatus } : {}),
        ...(more.requestObject === undefined ? {} : { requestObject: more.requestObject }),
        ...(more.responseObject === undefined ? {} : { responseObject: more.responseObject }),
        requestReceivedTimestamp: microTime(received),
        stageTimestamp: microTime(new Date()),
        ...(annotations.size > 0 ? { annotations: Object.fromEntries([...annotations].sort()) } : {}),
      };
      const line = `${JSON.stringify(event)}\n`;
      for (const sink of sinks) sink.write(line);
    };
    const complete = (code: number): void => {
      responseStatus = { metadata: {}, ...responseStatus, code };
      tell('ResponseComplete');
      over = true;
    };
    tell('RequestReceived');
    return {
      exchange: Object.assign(Object.create(exchange) as Exchange, {
        async readBody(limit: number) {
          const bytes = await exchange.readBody(limit);
          if (!wants('Metadata')) more.requestObject = shown(readable(bytes, contentType));
          return bytes;
        },
        respond(...[status, headers, body]: Parameters<Exchange['respond']>) {
          complete(status);
          exchange.respond(status, { ...headers, 'audit-id': auditID }, body);
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
        if (error === undefined || allowed) annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
        annotate('authorization.k8s.io/reason', error === undefined || allowed ? reason : 'internal error');
      },
      annotate,
      answered(answer) {
        if (reference && answer.kind === 'stored' && info.verb === 'create') reference.name ??= answer.stored.name;
        if (wants('RequestResponse')) more.responseObject = shown(answeredObject(answer));
      },
      failed({ status }) {
        const { message, reason, status: outcome } = status;
        responseStatus = { metadata: {}, status: outcome ?? 'Failure', message: message ?? '', reason: reason ?? '' };
        if (wants('RequestResponse')) more.responseObject = status;
      },
      taken() {
        responseStatus = { metadata: {}, code: 101 };
        tell('ResponseStarted');
        exchange.onClose(() => complete(101));
      },
    };
  };

  return {
    async start() {
      policy = parsePolicy(await readFile(options.policyFile, 'utf8'), options.policyFile, options.warn);
      for (const sink of sinks) await sink.start?.();
    },
    async stop() {
      await Promise.all(sinks.map((sink) => sink.flush()));
    },
    begin(exchange, user) {
      if (!policy) return undefined;
      const mark = exchange.url.indexOf('?');
      const path = mark < 0 ? exchange.url : exchange.url.slice(0, mark);
      const query = new URLSearchParams(mark < 0 ? '' : exchange.url.slice(mark + 1));
      const info = parseRequestInfo(exchange.method, path, query);
      const recording = recordingOf(policy, info, user);
      return recording && record(exchange, user, info, recording);
    },
  };
}
