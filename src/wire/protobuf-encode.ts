import type { FieldKind, Message, WireField } from './protobuf-schema.ts';

type Struct = Record<string, unknown>;

/**
 * Writes from the end of a buffer to its beginning: a nested message is written before its length is needed, so nothing
 * is measured beforehand.
 */
export class BackwardWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #at = 1024;

  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** What was written; valid until the writer is used again. */
  bytes(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  reset(): void {
    this.#at = this.#buffer.length;
  }

  #reserve(size: number): void {
    if (this.#at >= size) return;
    const used = this.length;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(grown, grown.length - used, this.#at);
    this.#buffer = grown;
    this.#at = grown.length - used;
  }

  text(value: string): void {
    if (value.length < 32 && this.#ascii(value)) return;
    const size = Buffer.byteLength(value);
    this.#reserve(size);
    this.#at -= size;
    this.#buffer.write(value, this.#at, size, 'utf8');
  }

  /** Short texts are nearly all ASCII, and written faster here than by a call into the runtime. */
  #ascii(value: string): boolean {
    const size = value.length;
    this.#reserve(size);
    const at = this.#at - size;
    for (let i = 0; i < size; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      this.#buffer[at + i] = code;
    }
    this.#at = at;
    return true;
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#buffer.set(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value > 0xffff_ffff) {
      this.#bigVarint(BigInt.asUintN(64, typeof value === 'bigint' ? value : BigInt(Math.trunc(value))));
      return;
    }
    let size = 1;
    for (let rest = value >>> 0; rest > 127; rest >>>= 7) size++;
    this.#reserve(size);
    this.#at -= size;
    let at = this.#at;
    let rest = value >>> 0;
    while (rest > 127) {
      this.#buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[at] = rest;
  }

  #bigVarint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  /** Length and tag of what was written since `before` (a `length`). */
  close(id: number, before: number): void {
    this.varint(this.length - before);
    this.varint(((id << 3) | 2) >>> 0);
  }
}

const wireTypes: Readonly<Record<FieldKind, number>> = {
  string: 2,
  bytes: 2,
  message: 2,
  map: 2,
  bool: 0,
  int32: 0,
  int64: 0,
  double: 1,
};

/** The body of a message from its JSON form, in front of what the writer holds. */
export function encodeMessage(writer: BackwardWriter, message: Message, value: unknown): void {
  if (message.special) {
    encodeSpecial(writer, message, value);
    return;
  }
  const { fields } = message;
  const struct = (value ?? {}) as Struct;
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i] as WireField;
    if (field.inline) {
      const before = writer.length;
      encodeMessage(writer, field.message as Message, struct);
      writer.close(field.id, before);
      continue;
    }
    const given = struct[field.name];
    if (given !== undefined && given !== null) encodeField(writer, field, given);
  }
}

function encodeField(writer: BackwardWriter, field: WireField, value: unknown): void {
  if (field.kind === 'map') {
    const map = value as Struct;
    for (const key of Object.keys(map).sort().reverse()) {
      const before = writer.length;
      encodeOne(writer, 2, field.valueKind, field.message, map[key]);
      encodeOne(writer, 1, 'string', undefined, key);
      writer.close(field.id, before);
    }
  } else if (field.repeated) {
    const list = value as unknown[];
    for (let i = list.length - 1; i >= 0; i--) encodeOne(writer, field.id, field.kind, field.message, list[i]);
  } else encodeOne(writer, field.id, field.kind, field.message, value);
}

function encodeOne(
  writer: BackwardWriter,
  id: number,
  kind: FieldKind,
  message: Message | undefined,
  value: unknown,
): void {
  const before = writer.length;
  switch (kind) {
    case 'string':
      writer.text(String(value ?? ''));
      break;
    case 'bytes':
      writer.raw(Buffer.from((value as string | null) ?? '', 'base64'));
      break;
    case 'message':
      encodeMessage(writer, message as Message, value === undefined ? {} : value);
      break;
    case 'bool':
      writer.varint(value ? 1 : 0);
      break;
    case 'int32':
    case 'int64':
      writer.varint(value as number | bigint);
      break;
    case 'double':
      writer.double(Number(value));
      break;
  }
  if (wireTypes[kind] === 2) writer.close(id, before);
  else writer.varint(((id << 3) | wireTypes[kind]) >>> 0);
}

const schemaField = (message: Message): WireField => message.fields.find((f) => f.name === 'schema') as WireField;

function encodeSpecial(writer: BackwardWriter, message: Message, value: unknown): void {
  switch (message.special) {
    case 'time':
    case 'micro-time':
      if (typeof value === 'string') encodeTime(writer, value);
      break;
    case 'quantity':
      encodeOne(writer, 1, 'string', undefined, value);
      break;
    case 'int-or-string':
      if (typeof value === 'string') {
        encodeOne(writer, 3, 'string', undefined, value);
        encodeOne(writer, 2, 'int32', undefined, 0);
        encodeOne(writer, 1, 'int64', undefined, 1);
      } else {
        encodeOne(writer, 3, 'string', undefined, '');
        encodeOne(writer, 2, 'int32', undefined, value);
        encodeOne(writer, 1, 'int64', undefined, 0);
      }
      break;
    case 'raw': {
      const before = writer.length;
      writer.text(JSON.stringify(value));
      writer.close(1, before);
      break;
    }
    case 'strings':
      for (const text of (value as string[]).toReversed()) encodeOne(writer, 1, 'string', undefined, text);
      break;
    case 'duration':
      encodeOne(writer, 1, 'int64', undefined, durationNanos(String(value)));
      break;
    case 'schema-or-bool':
      if (typeof value === 'object') encodeOne(writer, 2, 'message', schemaField(message).message, value);
      encodeOne(writer, 1, 'bool', undefined, value !== false);
      break;
    case 'schema-or-array':
    case 'schema-or-strings':
      if (!Array.isArray(value)) encodeOne(writer, 1, 'message', schemaField(message).message, value);
      else {
        const kind = message.special === 'schema-or-array' ? 'message' : 'string';
        for (const one of value.toReversed()) encodeOne(writer, 2, kind, schemaField(message).message, one);
      }
      break;
  }
}

function encodeTime(writer: BackwardWriter, text: string): void {
  const milliseconds = Date.parse(text);
  const seconds = Math.floor(milliseconds / 1000);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  encodeOne(writer, 2, 'int32', undefined, Number(fraction.padEnd(9, '0').slice(0, 9)));
  encodeOne(writer, 1, 'int64', undefined, seconds);
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

function durationNanos(text: string): number {
  let total = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit] ?? 0);
  }
  return text.startsWith('-') ? -total : total;
}
