import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import { parseIp } from '../base/cidr.ts';
import type { Transport } from './forward.ts';
import {
  classIn,
  emptyReply,
  formatError,
  type Query,
  type Reply,
  type ResourceRecord,
  rcodes,
  readQuery,
  sizeLimit,
  types,
  writeReply,
} from './message.ts';
import { type createZone, v6Bytes, type ZoneAnswer } from './zone.ts';

export interface HandlerOptions {
  zone: ReturnType<typeof createZone>;
  /** Addresses of a bare node name; undefined when it is none. */
  nodeAddresses(name: string): readonly string[] | undefined;
  forward(query: Query, transport: Transport): Promise<Buffer | undefined>;
}

const maxAliasDepth = 8;
const nodeTtl = 60;

/** From a query's bytes to an answer's; undefined when there is nothing to say. Never throws. */
export type DnsHandler = (bytes: Buffer, transport: Transport) => Promise<Buffer | undefined>;

export function createDnsHandler(options: HandlerOptions): DnsHandler {
  const { zone, nodeAddresses, forward } = options;

  const recordsOf = (owner: string, type: number, addresses: readonly string[]): ResourceRecord[] =>
    addresses.flatMap((ip): ResourceRecord[] => {
      const family = parseIp(ip)?.family;
      if (family === 4 && (type === types.A || type === types.ANY))
        return [{ owner, ttl: nodeTtl, type: 'A', address: ip }];
      if (family === 6 && (type === types.AAAA || type === types.ANY))
        return [{ owner, ttl: nodeTtl, type: 'AAAA', address: v6Bytes(ip) }];
      return [];
    });

  /** The addresses of a name that is not the cluster's, each under the name that it was asked for. */
  const askElsewhere = async (name: string, type: number, transport: Transport): Promise<ResourceRecord[]> => {
    const typeName = type === types.AAAA ? 'AAAA' : 'A';
    const bytes = encode({ type: 'query', id: 1, flags: RECURSION_DESIRED, questions: [{ type: typeName, name }] });
    const query = readQuery(bytes);
    if (query === undefined || query === 'FORMERR') return [];
    const answer = await forward(query, transport);
    if (answer === undefined) return [];
    return (decode(answer).answers ?? []).flatMap((a): ResourceRecord[] => {
      const ttl = 'ttl' in a ? (a.ttl ?? 0) : 0;
      if (a.type === 'A') return [{ owner: a.name, ttl, type: 'A', address: a.data }];
      if (a.type === 'AAAA') return [{ owner: a.name, ttl, type: 'AAAA', address: v6Bytes(a.data) }];
      if (a.type === 'CNAME') return [{ owner: a.name, ttl, type: 'CNAME', name: a.data }];
      return [];
    });
  };

  /** Follows an alias to its end, through the cluster's names and others. */
  const follow = async (first: ZoneAnswer & { kind: 'alias' }, query: Query, transport: Transport): Promise<Reply> => {
    const answers = [...first.reply.answers];
    if (query.type !== types.A && query.type !== types.AAAA) return first.reply;
    let { target } = first;
    for (let depth = 0; depth < maxAliasDepth; depth++) {
      const next = zone.answer(target, query.type);
      if (next.kind === 'elsewhere') {
        answers.push(...(await askElsewhere(target, query.type, transport)));
        break;
      }
      answers.push(...next.reply.answers);
      if (next.kind === 'reply') break;
      target = next.target;
    }
    return { ...first.reply, answers };
  };

  const answer = async (query: Query, transport: Transport): Promise<Buffer> => {
    const write = (reply: Reply): Buffer => writeReply(query, reply, sizeLimit(query, transport));
    if (query.opcode !== 0) return write(emptyReply(rcodes.NOTIMP));
    if (query.class !== classIn) return write(emptyReply(rcodes.REFUSED));
    const ours = zone.answer(query.name, query.type);
    if (ours.kind === 'reply') return write(ours.reply);
    if (ours.kind === 'alias') return write(await follow(ours, query, transport));
    const node = nodeAddresses(query.name);
    if (node !== undefined)
      return write({ ...emptyReply(rcodes.NOERROR), answers: recordsOf(query.name, query.type, node) });
    return (await forward(query, transport)) ?? write(emptyReply(rcodes.SERVFAIL));
  };

  return async (bytes, transport) => {
    const query = readQuery(bytes);
    if (query === undefined) return undefined;
    if (query === 'FORMERR') return formatError(bytes);
    try {
      return await answer(query, transport);
    } catch {
      return writeReply(query, emptyReply(rcodes.SERVFAIL), sizeLimit(query, transport));
    }
  };
}
