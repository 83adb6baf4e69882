import { exactInteger, parseExact } from '../base/exact-json.ts';
import type { FieldKind, Message, WireField } from './protobuf-schema.ts';

type Struct = Record<string, unknown>;

/** Reads a message's bytes from `at` to `end`. Throws RangeError on damaged ones. */
export class Reader {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  varint(): number {
    return Number(this.int64());
  }

  /** As `parseExact` has whole numbers. */
  int64(): number | bigint {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return this.#longVarint(value);
  }

  #byte(): number {
    if (this.at >= this.end) throw new RangeError('protobuf: unexpected end');
    return this.buffer[this.at++] as number;
  }

  #longVarint(low28: number): number | bigint {
    let value = BigInt(low28);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return exactInteger(BigInt.asIntN(64, value));
    }
    throw new RangeError('protobuf: integer overflow');
  }

  /** A reader over the length-delimited bytes that follow. */
  sub(): Reader {
    const size = this.varint();
    const start = this.at;
    if (size < 0 || start + size > this.end) throw new RangeError('protobuf: unexpected end');
    this.at = start + size;
    return new Reader(this.buffer, start, this.at);
  }

  text(): string {
    const size = this.varint();
    const start = this.at;
    if (size < 0 || start + size > this.end) throw new RangeError('protobuf: unexpected end');
    this.at = start + size;
    return size < 24 ? this.#shortText(start) : this.buffer.toString('utf8', start, this.at);
  }

  /** Short texts are nearly all ASCII, and read faster here than by a call into the runtime. */
  #shortText(start: number): string {
    let text = '';
    for (let i = start; i < this.at; i++) {
      const code = this.buffer[i] as number;
      if (code > 127) return this.buffer.toString('utf8', start, this.at);
      text += String.fromCharCode(code);
    }
    return text;
  }

  bytes(): Buffer {
    const inner = this.sub();
    return this.buffer.subarray(inner.at, inner.end);
  }

  double(): number {
    if (this.at + 8 > this.end) throw new RangeError('protobuf: unexpected end');
    this.at += 8;
    return this.buffer.readDoubleLE(this.at - 8);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.double();
    else if (wireType === 2) this.sub();
    else if (wireType === 5) this.at += 4;
    else throw new RangeError(`protobuf: unsupported wire type ${wireType}`);
  }
}

/** The JSON form of a message; undefined for a special one that says nothing (a zero time). */
export function decodeMessage(reader: Reader, message: Message, into: Struct = {}): unknown {
  if (message.special) return decodeSpecial(reader, message);
  const { byId } = message;
  while (reader.more) {
    const tag = reader.varint();
    const field = byId[tag >>> 3];
    if (!field) reader.skip(tag & 7);
    else decodeField(reader, field, tag & 7, into);
  }
  return into;
}

function decodeField(reader: Reader, field: WireField, wireType: number, into: Struct): void {
  if (field.kind === 'map') {
    const entry = reader.sub();
    const map = (into[field.name] ?? {}) as Struct;
    into[field.name] = map;
    decodeEntry(entry, field, map);
    return;
  }
  if (field.inline) {
    decodeMessage(reader.sub(), field.message as Message, into);
    return;
  }
  if (field.repeated) {
    const list = (into[field.name] ?? []) as unknown[];
    into[field.name] = list;
    if (wireType === 2 && isNumeric(field.kind)) {
      const packed = reader.sub();
      while (packed.more) list.push(decodeOne(packed, field.kind, field.message));
    } else list.push(decodeOne(reader, field.kind, field.message));
    return;
  }
  const value = decodeOne(reader, field.kind, field.message);
  if (value !== undefined) into[field.name] = value;
}

const isNumeric = (kind: FieldKind): boolean =>
  kind === 'int32' || kind === 'int64' || kind === 'bool' || kind === 'double';

function decodeEntry(entry: Reader, field: WireField, map: Struct): void {
  let key = '';
  let value: unknown;
  while (entry.more) {
    const tag = entry.varint();
    if (tag >>> 3 === 1) key = entry.text();
    else if (tag >>> 3 === 2) value = decodeOne(entry, field.valueKind, field.message);
    else entry.skip(tag & 7);
  }
  map[key] = value ?? (field.valueKind === 'message' ? {} : '');
}

function decodeOne(reader: Reader, kind: FieldKind, message: Message | undefined): unknown {
  switch (kind) {
    case 'string':
      return reader.text();
    case 'bytes':
      return reader.bytes().toString('base64');
    case 'bool':
      return reader.varint() !== 0;
    case 'int32':
      return reader.varint() | 0;
    case 'int64':
      return reader.int64();
    case 'double':
      return reader.double();
    default:
      return decodeMessage(reader.sub(), message as Message);
  }
}

function decodeSpecial(reader: Reader, message: Message): unknown {
  const values: unknown[] = [];
  const list: unknown[] = [];
  const { special } = message;
  while (reader.more) {
    const tag = reader.varint();
    const id = tag >>> 3;
    const field = message.byId[id];
    if (!field) reader.skip(tag & 7);
    else if (special === 'raw') values[id] = reader.bytes();
    else if (field.repeated) list.push(decodeOne(reader, field.kind, field.message));
    else values[id] = decodeOne(reader, field.kind, field.message);
  }
  switch (special) {
    case 'time':
    case 'micro-time':
      return timeText(numberOf(values[1]), values[2] as number | undefined, special === 'micro-time');
    case 'quantity':
      return values[1] ?? '0';
    case 'int-or-string':
      return values[1] === 1 ? (values[3] ?? '') : (values[2] ?? 0);
    case 'raw':
      return rawValue(values[1] as Buffer | undefined);
    case 'strings':
      return list;
    case 'duration':
      return durationText(numberOf(values[1]) ?? 0);
    case 'schema-or-bool':
      return values[2] ?? values[1] ?? false;
    default:
      return values[1] ?? list;
  }
}

const numberOf = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));

function rawValue(bytes: Buffer | undefined): unknown {
  if (!bytes || bytes.length === 0) return undefined;
  return parseExact(bytes.toString('utf8'));
}

function timeText(seconds: number | undefined, nanos: number | undefined, micro: boolean): string | undefined {
  if (seconds === undefined && nanos === undefined) return undefined;
  const text = new Date((seconds ?? 0) * 1000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  const fraction = Math.trunc((nanos ?? 0) / 1000);
  return `${text}.${String(fraction).padStart(6, '0')}Z`;
}

function durationText(nanos: number): string {
  if (nanos === 0) return '0s';
  const seconds = Math.abs(nanos) / 1e9;
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const text = `${h > 0 ? `${h}h` : ''}${h > 0 || m > 0 ? `${m}m` : ''}${s}s`;
  return nanos < 0 ? `-${text}` : text;
}
