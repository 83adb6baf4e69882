/** Record types and response codes by number (IANA's registry). */
export const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export const classIn = 1;

const flagResponse = 0x8000;
const flagAuthoritative = 0x0400;
const flagTruncated = 0x0200;
const flagRecursionDesired = 0x0100;
const flagRecursionAvailable = 0x0080;
const headerLength = 12;

/** A question as it came: `name` in lower case without the last dot, the original bytes kept for the answer. */
export interface Query {
  id: number;
  flags: number;
  opcode: number;
  name: string;
  type: number;
  class: number;
  /** Where the question ends; its bytes are repeated in the answer, so that the client's spelling stays. */
  questionEnd: number;
  /** Bytes that the client takes over UDP; undefined when it says nothing (512). */
  udpSize: number | undefined;
  bytes: Buffer;
}

export type RecordData =
  | { type: 'A'; address: string }
  | { type: 'AAAA'; address: Uint8Array }
  | { type: 'CNAME' | 'PTR' | 'NS'; name: string }
  | { type: 'SRV'; priority: number; weight: number; port: number; target: string }
  | { type: 'TXT'; text: string }
  | { type: 'SOA'; mname: string; rname: string; serial: number; minimum: number };

/** `owner` is the name that the record is of. */
export type ResourceRecord = { owner: string; ttl: number } & RecordData;

export interface Reply {
  rcode: number;
  authoritative: boolean;
  answers: readonly ResourceRecord[];
  authorities: readonly ResourceRecord[];
  additionals: readonly ResourceRecord[];
}

/** Skips a name, compressed or not; gives the offset after it. Throws a RangeError past the end. */
function skipName(bytes: Buffer, offset: number): number {
  let at = offset;
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return at + 1;
    if ((length & 0xc0) === 0xc0) return at + 2;
    at += 1 + length;
  }
}

function readQuestionName(bytes: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = headerLength;
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return { name: labels.join('.'), end: at + 1 };
    if (length > 63 || at + 1 + length > bytes.length) throw new RangeError('bad label');
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
}

/** Reads a query. Undefined when it is not worth an answer (too short, or an answer itself); `FORMERR` when it is broken. */
export function readQuery(bytes: Buffer): Query | 'FORMERR' | undefined {
  if (bytes.length < headerLength) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & flagResponse) return undefined;
  try {
    if (bytes.readUInt16BE(4) !== 1) return 'FORMERR';
    const { name, end } = readQuestionName(bytes);
    const query: Query = {
      id: bytes.readUInt16BE(0),
      flags,
      opcode: (flags >> 11) & 15,
      name,
      type: bytes.readUInt16BE(end),
      class: bytes.readUInt16BE(end + 2),
      questionEnd: end + 4,
      udpSize: undefined,
      bytes,
    };
    let at = query.questionEnd;
    const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
    for (let i = 0; i < records; i++) {
      at = skipName(bytes, at);
      if (bytes.readUInt16BE(at) === types.OPT) query.udpSize = bytes.readUInt16BE(at + 2);
      at += 10 + bytes.readUInt16BE(at + 8);
    }
    return query;
  } catch {
    return 'FORMERR';
  }
}

/** Offsets of the TTL of each record of a message (the OPT pseudo-record has none), with the records' types. */
export function ttlOffsets(bytes: Buffer): { offset: number; type: number }[] {
  let at = headerLength;
  for (let i = 0; i < bytes.readUInt16BE(4); i++) at = skipName(bytes, at) + 4;
  const found: { offset: number; type: number }[] = [];
  const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  for (let i = 0; i < records; i++) {
    at = skipName(bytes, at);
    const type = bytes.readUInt16BE(at);
    if (type !== types.OPT) found.push({ offset: at + 4, type });
    at += 10 + bytes.readUInt16BE(at + 8);
  }
  return found;
}

export const isTruncated = (bytes: Buffer): boolean => (bytes.readUInt16BE(2) & flagTruncated) !== 0;
export const rcodeOf = (bytes: Buffer): number => bytes.readUInt16BE(2) & 15;

/** Writes a reply, names compressed; `limit` is the most bytes that may go out: what does not fit is cut and said so. */
export function writeReply(query: Query, reply: Reply, limit: number): Buffer {
  const wantsOpt = query.udpSize !== undefined;
  const optLength = wantsOpt ? 11 : 0;
  const chunks: Buffer[] = [query.bytes.subarray(headerLength, query.questionEnd)];
  let length = query.questionEnd;
  const offsets = new Map<string, number>([[query.name, headerLength]]);
  // Suffixes of the question's name can be pointed at too.
  for (let at = headerLength, rest = query.name; rest.includes('.'); ) {
    at += 1 + rest.indexOf('.');
    rest = rest.slice(rest.indexOf('.') + 1);
    offsets.set(rest, at);
  }

  const writeName = (name: string, compress: boolean, at: number): Buffer => {
    const parts: Buffer[] = [];
    let rest = name;
    let position = at;
    while (rest !== '') {
      const known = offsets.get(rest);
      if (compress && known !== undefined) {
        parts.push(Buffer.from([0xc0 | (known >> 8), known & 255]));
        return Buffer.concat(parts);
      }
      if (compress && position < 0x4000) offsets.set(rest, position);
      const dot = rest.indexOf('.');
      const label = Buffer.from(dot < 0 ? rest : rest.slice(0, dot), 'latin1');
      parts.push(Buffer.from([label.length]), label);
      position += 1 + label.length;
      rest = dot < 0 ? '' : rest.slice(dot + 1);
    }
    parts.push(Buffer.from([0]));
    return Buffer.concat(parts);
  };

  const writeData = (record: ResourceRecord, at: number): Buffer => {
    switch (record.type) {
      case 'A':
        return Buffer.from(record.address.split('.').map(Number));
      case 'AAAA':
        return Buffer.from(record.address);
      case 'CNAME':
      case 'PTR':
      case 'NS':
        return writeName(record.name, true, at);
      case 'SRV': {
        const fixed = Buffer.alloc(6);
        fixed.writeUInt16BE(record.priority, 0);
        fixed.writeUInt16BE(record.weight, 2);
        fixed.writeUInt16BE(record.port, 4);
        return Buffer.concat([fixed, writeName(record.target, false, at + 6)]); // RFC 2782: not compressed
      }
      case 'TXT': {
        const text = Buffer.from(record.text);
        return Buffer.concat([Buffer.from([text.length]), text]);
      }
      case 'SOA': {
        const mname = writeName(record.mname, true, at);
        const rname = writeName(record.rname, true, at + mname.length);
        const numbers = Buffer.alloc(20);
        for (const [i, n] of [record.serial, 7200, 1800, 86_400, record.minimum].entries())
          numbers.writeUInt32BE(n, i * 4);
        return Buffer.concat([mname, rname, numbers]);
      }
    }
  };

  let truncated = false;
  const counts = [0, 0, 0];
  const sections = [reply.answers, reply.authorities, reply.additionals];
  for (const [section, records] of sections.entries())
    for (const record of records) {
      if (truncated) break;
      const known = new Map(offsets);
      const name = writeName(record.owner, true, length);
      const fixed = Buffer.alloc(10);
      const data = writeData(record, length + name.length + 10);
      fixed.writeUInt16BE(types[record.type], 0);
      fixed.writeUInt16BE(classIn, 2);
      fixed.writeUInt32BE(record.ttl, 4);
      fixed.writeUInt16BE(data.length, 8);
      const size = name.length + 10 + data.length;
      if (length + size + optLength > limit) {
        // Additional records are a courtesy: leaving them out is no truncation.
        if (section < 2) truncated = true;
        offsets.clear();
        for (const [key, value] of known) offsets.set(key, value);
        break;
      }
      chunks.push(name, fixed, data);
      length += size;
      counts[section] = (counts[section] ?? 0) + 1;
    }

  if (wantsOpt) {
    const opt = Buffer.alloc(11);
    opt.writeUInt16BE(types.OPT, 1);
    opt.writeUInt16BE(maxUdpSize, 3);
    chunks.push(opt);
  }
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(
    flagResponse |
      (query.opcode << 11) |
      (reply.authoritative ? flagAuthoritative : 0) |
      (truncated ? flagTruncated : 0) |
      (query.flags & flagRecursionDesired) |
      flagRecursionAvailable |
      reply.rcode,
    2,
  );
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(counts[0] ?? 0, 6);
  header.writeUInt16BE(counts[1] ?? 0, 8);
  header.writeUInt16BE((counts[2] ?? 0) + (wantsOpt ? 1 : 0), 10);
  return Buffer.concat([header, ...chunks]);
}

/** The most that goes out over UDP, whatever the client would take. */
export const maxUdpSize = 4096;

/** How many bytes an answer to this query may have. */
export function sizeLimit(query: Query, transport: 'udp' | 'tcp'): number {
  return transport === 'tcp' ? 65_535 : Math.min(Math.max(query.udpSize ?? 512, 512), maxUdpSize);
}

/** A bare refusal of bytes that could not be read as a query. */
export function formatError(bytes: Buffer): Buffer {
  const header = Buffer.alloc(headerLength);
  bytes.copy(header, 0, 0, 2);
  header.writeUInt16BE(flagResponse | (bytes.readUInt16BE(2) & (0x7800 | flagRecursionDesired)) | rcodes.FORMERR, 2);
  return header;
}

/** An answer without records. */
export const emptyReply = (rcode: number): Reply => ({
  rcode,
  authoritative: false,
  answers: [],
  authorities: [],
  additionals: [],
});
