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
  const path = pointer(operation.path, 'path');
  switch (operation.op) {
    case 'add':
      return at(document, path, (parent, key) => added(parent, key, operand(operation)));
    case 'remove':
      return at(document, path, removed);
    case 'replace':
      if (path.length === 0) return operand(operation);
      return at(document, path, (parent, key) => {
        if (Array.isArray(parent)) return parent.with(index(parent, key, parent.length - 1), operand(operation));
        return { ...parent, [key]: operand(operation) };
      });
    case 'move': {
      const from = pointer(operation.from, 'from');
      const value = read(document, from);
      return at(at(document, from, removed), path, (parent, key) => added(parent, key, value));
    }
    case 'copy': {
      // What is not there is copied as null.
      const value = read(document, pointer(operation.from, 'from'), true) ?? null;
      return at(document, path, (parent, key) => added(parent, key, value));
    }
    case 'test': {
      const found = path.length === 0 ? document : read(document, path, true);
      if (!isDeepStrictEqual(found ?? null, operation.value ?? null)) {
        throw new DoesNotApply(`testing value ${String(operation.path)} failed: test failed`);
      }
      return document;
    }
    default:
      throw new DoesNotApply(`Unexpected kind: ${String(operation.op)}`);
  }
}

type Container = unknown[] | Record<string, unknown>;

function operand(operation: Operation): unknown {
  return operation.value === undefined ? null : operation.value;
}

function pointer(text: unknown, what: string): string[] {
  if (typeof text !== 'string') throw new DoesNotApply(`operation, missing ${what} field: missing value`);
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
  if (key === undefined || !isContainer(document)) throw new DoesNotApply(`doc is missing path: "/${path.join('/')}"`);
  if (rest.length === 0) return change(document, key);
  if (Array.isArray(document)) {
    const i = index(document, key, document.length - 1);
    return document.with(i, at(document[i], rest, change));
  }
  return { ...document, [key]: at(document[key], rest, change) };
}

function read(document: unknown, path: string[], lenient = false): unknown {
  let value = document;
  for (const [i, key] of path.entries()) {
    if (Array.isArray(value)) value = value[index(value, key, value.length - 1)];
    else if (isContainer(value) && (Object.hasOwn(value, key) || (lenient && i === path.length - 1))) {
      value = (value as Record<string, unknown>)[key];
    } else throw new DoesNotApply(`doc is missing path: /${path.join('/')}: missing value`);
  }
  return value;
}

function index(list: unknown[], key: string, last: number): number {
  if (!/^[-+]?\d+$/.test(key)) throw new DoesNotApply(`value was not a proper array index: '${key}'`);
  const given = Number(key);
  const i = given < 0 ? given + last + 1 : given;
  if (i < 0 || i > last) throw new DoesNotApply(`Unable to access invalid index: ${given} of ${list.length}`);
  return i;
}

function added(parent: Container, key: string, value: unknown): Container {
  if (!Array.isArray(parent)) return { ...parent, [key]: value };
  return parent.toSpliced(key === '-' ? parent.length : index(parent, key, parent.length), 0, value);
}

function removed(parent: Container, key: string): Container {
  if (Array.isArray(parent)) return parent.toSpliced(index(parent, key, parent.length - 1), 1);
  if (!Object.hasOwn(parent, key)) throw new DoesNotApply(`Unable to remove nonexistent key: ${key}: missing value`);
  const { [key]: _, ...rest } = parent;
  return rest;
}
