import type { ObjectMeta } from '../../api/gen/meta-v1.ts';
import { parseExact } from '../../base/exact-json.ts';
import type { Draft, Frozen, Place, Stored } from './types.ts';

export type Labels = Readonly<Record<string, string>> | undefined;

/** What the registry itself needs of a stored object besides what it shows. */
export interface Kept extends Stored {
  readonly labels: Labels;
  /** Texts of the selectable fields. */
  field(name: string): string;
  /** The object to read now: shared when it is at hand, never to be altered, not frozen. */
  peek(): Frozen;
  /** A copy of one's own. */
  draft(): Draft;
  /** The write stands: the parsed form is let go where nobody in the process uses it. */
  settle(): void;
}

/** The selectable fields of a resource: their names, and their texts (in the order of the names) in an object. */
export interface FieldReader {
  readonly names: readonly string[];
  read(object: Frozen): readonly string[];
}

export interface Origin {
  readonly key: string;
  readonly place: Place;
  readonly revision: number;
  readonly fields: FieldReader;
}

/** A stored object from what was just written: the draft and its text (`textOf`), which are the registry's from now on. */
export function storedFromDraft(origin: Origin, draft: Draft, text: string): Kept {
  const revision = String(origin.revision);
  draft.metadata.resourceVersion = revision;
  return new StoredObject(origin, ownBytes(replaceRevision(text, revision)), draft);
}

/** What a dry run answers. `revision` 0: the object has no resourceVersion. */
export function storedUnwritten(origin: Origin, draft: Draft): Kept {
  if (origin.revision > 0) draft.metadata.resourceVersion = String(origin.revision);
  else delete draft.metadata.resourceVersion;
  return new StoredObject(origin, ownBytes(JSON.stringify(draft)), draft);
}

/** The text of an `ordered` draft, as at `revision`. */
export function textOf(draft: Draft, revision = 0): string {
  draft.metadata.resourceVersion = String(revision);
  return JSON.stringify(draft);
}

function replaceRevision(text: string, revision: string): string {
  const start = text.indexOf(revisionKey) + revisionKey.length;
  return text.slice(0, start) + revision + text.slice(text.indexOf('"', start));
}

/** A stored object from what was read back. */
export function storedFromBytes(origin: Origin, value: Buffer): Kept {
  return new StoredObject(origin, withRevision(value, String(origin.revision)), undefined);
}

/** The same object at another revision: what a deletion shows. */
export function atRevision(stored: Kept, revision: number, fields: FieldReader): Kept {
  const origin = { key: stored.key, place: stored, revision, fields };
  return new StoredObject(origin, withRevision(stored.bytes, String(revision)), undefined);
}

class StoredObject implements Kept {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly #fields: FieldReader;
  #fieldTexts: readonly string[] | undefined;
  #labels: Labels | null = null;
  #strong: Frozen | undefined;
  #shared: WeakRef<Frozen> | undefined;

  constructor(origin: Origin, bytes: Buffer, draft: Draft | undefined) {
    this.key = origin.key;
    this.namespace = origin.place.namespace;
    this.name = origin.place.name;
    this.revision = origin.revision;
    this.#fields = origin.fields;
    this.bytes = bytes;
    this.#strong = draft;
    if (draft) {
      this.#labels = draft.metadata.labels;
      if (origin.fields.names.length > 0) this.#fieldTexts = origin.fields.read(draft);
    }
  }

  get object(): Frozen {
    const shared = this.#shared?.deref();
    if (shared) return shared;
    const object = freeze(this.#strong ?? this.draft());
    this.#shared = new WeakRef(object);
    return object;
  }

  get metadata(): Frozen['metadata'] {
    return this.peek().metadata;
  }

  get labels(): Labels {
    if (this.#labels === null) this.#labels = this.peek().metadata.labels;
    return this.#labels;
  }

  field(name: string): string {
    if (name === 'metadata.name') return this.name;
    if (name === 'metadata.namespace') return this.namespace;
    this.#fieldTexts ??= this.#fields.read(this.peek());
    return this.#fieldTexts[this.#fields.names.indexOf(name)] ?? '';
  }

  peek(): Frozen {
    return this.#strong ?? this.#shared?.deref() ?? this.draft();
  }

  draft(): Draft {
    return parseExact(this.bytes.toString('utf8')) as Draft;
  }

  settle(): void {
    this.#strong = undefined;
  }
}

/** Bytes that share their memory with nothing else: a pooled buffer would keep a whole pool alive. */
export function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

const revisionKey = '"resourceVersion":"';
const revisionField = Buffer.from(revisionKey);

/**
 * The value with `revision` as its resourceVersion. The registry writes kind, apiVersion and metadata first and
 * resourceVersion before every field with free text, so the first occurrence is the object's own.
 */
export function withRevision(value: Buffer, revision: string): Buffer {
  const start = value.indexOf(revisionField) + revisionField.length;
  const end = value.indexOf(0x22, start);
  if (value.toString('latin1', start, end) === revision) return value;
  const result = Buffer.allocUnsafeSlow(value.length - (end - start) + revision.length);
  value.copy(result, 0, 0, start);
  result.write(revision, start, 'latin1');
  value.copy(result, start + revision.length, end);
  return result;
}

const metadataOrder = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[];

/** The draft with its fields in the order in which they are written: kind, apiVersion, metadata, the rest. */
export function ordered(draft: Draft): Draft {
  const { kind, apiVersion, metadata, ...rest } = draft;
  const sorted: Record<string, unknown> = {};
  for (const field of metadataOrder) {
    const value = field === 'resourceVersion' ? '' : metadata[field];
    if (value !== undefined && value !== null && !isEmpty(value)) sorted[field] = value;
  }
  return { kind, apiVersion, metadata: sorted, ...rest } as Draft;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) ? value.length : Object.keys(value).length) === 0;

/** Freezes deeply, and stops at what is frozen already. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const name in value) {
    const inner = value[name];
    if (typeof inner === 'object') freeze(inner);
  }
  return value;
}
