import { isDeepStrictEqual } from 'node:util';
import { valueWord } from './canonical.ts';
import { ApiError, badRequest, entityTooLarge } from './status.ts';

interface Operation {
  op?: unknown;
  path?: unknown;
  from?: unknown;
  value?: unknown;
}

const maxOperations = 10_000;

/** Why an operation does not apply. Upstream knows the reason but answers with a fixed text; ours is in the cause. */
class DoesNotApply extends Error {}

/** There is nothing where the operation is to happen. */
class NothingThere extends DoesNotApply {}

class TestFailed extends DoesNotApply {}

/** Why a patch could not be applied, in the words of the library that upstream uses; undefined: for another reason. */
export function patchFailure(error: unknown): { readonly text: string; readonly testFailed: boolean } | undefined {
  const cause = error instanceof ApiError ? error.cause : undefined;
  return cause instanceof DoesNotApply ? { text: cause.message, testFailed: cause instanceof TestFailed } : undefined;
}

/**
 * RFC 6902. Returns the new document; `document` is not changed (unchanged parts are shared with the result).
 * Throws ApiError: BadRequest for what is no patch, Invalid (422) for one that does not apply. As upstream, `replace`
 * of a key that an object does not have adds it, and negative list indices count from the end.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (patch === null) return document;
  if (!Array.isArray(patch)) throw undecodable(patch, '[]handlers.jsonPatchOp');
  const wrong = patch.find((operation) => operation !== null && !isOperation(operation));
  if (wrong !== undefined) throw undecodable(wrong, 'handlers.jsonPatchOp');
  if (patch.length > maxOperations) {
    const why = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw entityTooLarge(`Request entity too large: ${why}`);
  }
  try {
    return patch.reduce((doc: unknown, operation: Operation | null) => applyOperation(doc, operation ?? {}), document);
  } catch (error) {
    if (!(error instanceof DoesNotApply)) throw error;
    throw rejected(error);
  }
}

const isOperation = (value: unknown): boolean => typeof value === 'object' && !Array.isArray(value);

const undecodable = (value: unknown, type: string): ApiError =>
  badRequest(`error decoding patch: json: cannot unmarshal ${valueWord(value)} into Go value of type ${type}`);

/** Upstream's answer to a patch that cannot be applied. */
export function rejected(cause: Error): ApiError {
  const error = new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: {},
    code: 422,
  });
  error.cause = cause;
  return error;
}

function applyOperation(document: unknown, operation: Operation): unknown {
  const path = pointer(operation.path, `${String(operation.op)} operation failed to decode path`);
  const shown = String(operation.path);
  switch (operation.op) {
    case 'add': {
      const missing = `add operation does not apply: doc is missing path: "${shown}"`;
      const failed = `error in add for path: '${shown}'`;
      return worded({ missing, failed }, () =>
        at(document, path, (parent, key) => added(parent, key, operand(operation))),
      );
    }
    case 'remove': {
      const missing = `remove operation does not apply: doc is missing path: "${shown}"`;
      return worded({ missing, failed: `error in remove for path: '${shown}'` }, () => at(document, path, removed));
    }
    case 'replace': {
      if (path.length === 0) return operand(operation);
      const missing = `replace operation does not apply: doc is missing path: ${shown}`;
      const failed = `replace operation does not apply: doc is missing key: ${shown}`;
      return worded({ missing, failed, plain: 'missing value' }, () =>
        at(document, path, (parent, key) => {
          if (Array.isArray(parent)) return parent.with(index(key, parent.length - 1), operand(operation));
          return { ...parent, [key]: operand(operation) };
        }),
      );
    }
    case 'move': {
      const from = pointer(operation.from, 'move operation failed to decode from');
      const taken = {
        missing: `move operation does not apply: doc is missing from path: ${String(operation.from)}`,
        failed: `error in move for path: '${from.at(-1) ?? ''}'`,
      };
      const value = worded(taken, () => read(document, from));
      const rest = worded(taken, () => at(document, from, removed));
      const missing = `move operation does not apply: doc is missing destination path: ${shown}`;
      return worded({ missing, failed: `error in move for path: '${shown}'` }, () =>
        at(rest, path, (parent, key) => added(parent, key, value)),
      );
    }
    case 'copy': {
      const from = pointer(operation.from, 'copy operation failed to decode from');
      // What is not there is copied as null.
      const source = {
        missing: `copy operation does not apply: doc is missing from path: ${String(operation.from)}`,
        failed: `error in copy for from: '${String(operation.from)}'`,
      };
      const value = worded(source, () => read(document, from, true)) ?? null;
      const missing = `copy operation does not apply: doc is missing destination path: ${shown}`;
      return worded({ missing, failed: 'error while adding value during copy' }, () =>
        at(document, path, (parent, key) => added(parent, key, value)),
      );
    }
    case 'test': {
      const missing = `test operation does not apply: is missing path: ${shown}`;
      const found = worded({ missing, failed: `error in test for path: '${shown}'` }, () =>
        path.length === 0 ? document : read(document, path, true),
      );
      if (!isDeepStrictEqual(found ?? null, operation.value ?? null)) {
        throw new TestFailed(`testing value ${shown} failed: test failed`);
      }
      return document;
    }
    default:
      throw new DoesNotApply(`Unexpected kind: ${String(operation.op)}`);
  }
}

/** What went wrong, told as of the operation; `plain` stands in place of the inner reason. */
function worded<T>(words: { missing: string; failed: string; plain?: string }, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof NothingThere) throw new DoesNotApply(`${words.missing}: missing value`);
    if (error instanceof DoesNotApply) throw new DoesNotApply(`${words.failed}: ${words.plain ?? error.message}`);
    throw error;
  }
}

type Container = unknown[] | Record<string, unknown>;

function operand(operation: Operation): unknown {
  return operation.value === undefined ? null : operation.value;
}

function pointer(text: unknown, what: string): string[] {
  if (typeof text !== 'string') throw new DoesNotApply(`${what}: missing value`);
  if (text === '') return [];
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** The document with the container at the path's last but one step replaced by what `change` makes of it. */
function at(document: unknown, path: string[], change: (parent: Container, key: string) => Container): unknown {
  const [key, ...rest] = path;
  if (key === undefined || !isContainer(document)) throw new NothingThere();
  if (rest.length === 0) return change(document, key);
  if (Array.isArray(document)) {
    const i = step(document, key);
    return document.with(i, at(document[i], rest, change));
  }
  return { ...document, [key]: at(document[key], rest, change) };
}

function read(document: unknown, path: string[], lenient = false): unknown {
  let value = document;
  for (const [i, key] of path.entries()) {
    const isLast = i === path.length - 1;
    if (!isContainer(value)) throw new NothingThere();
    if (Array.isArray(value)) value = value[isLast ? index(key, value.length - 1) : step(value, key)];
    else if (Object.hasOwn(value, key) || (lenient && isLast)) value = value[key];
    else if (isLast) throw new DoesNotApply(`Unable to remove nonexistent key: ${key}: missing value`);
    else throw new NothingThere();
  }
  return value;
}

/** The place of an item on the way to another. */
function step(list: unknown[], key: string): number {
  try {
    return index(key, list.length - 1);
  } catch {
    throw new NothingThere();
  }
}

function index(key: string, last: number): number {
  if (!/^[-+]?\d+$/.test(key)) throw new DoesNotApply(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  const given = Number(key);
  const i = given < 0 ? given + last + 1 : given;
  if (i < 0 || i > last) {
    throw new DoesNotApply(`Unable to access invalid index: ${given}: invalid index referenced`);
  }
  return i;
}

function added(parent: Container, key: string, value: unknown): Container {
  if (!Array.isArray(parent)) return { ...parent, [key]: value };
  return parent.toSpliced(key === '-' ? parent.length : index(key, parent.length), 0, value);
}

function removed(parent: Container, key: string): Container {
  if (Array.isArray(parent)) return parent.toSpliced(index(key, parent.length - 1), 1);
  if (!Object.hasOwn(parent, key)) throw new DoesNotApply(`Unable to remove nonexistent key: ${key}: missing value`);
  const { [key]: _, ...rest } = parent;
  return rest;
}
