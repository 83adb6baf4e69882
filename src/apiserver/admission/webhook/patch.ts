import { valueWord } from '../../../api/canonical.ts';
import { jsonSyntaxError } from '../../../api/json-syntax.ts';
import { applyJsonPatch, patchFailure } from '../../../api/patch-json.ts';
import { internalError } from '../../../api/status.ts';
import { messageOf } from '../../../base/errors.ts';
import { parseExact } from '../../../base/exact-json.ts';
import type { Draft } from '../../registry/types.ts';
import type { AdmissionResponse } from './review.ts';

function decoded(text: string): readonly unknown[] {
  let patch: unknown;
  try {
    patch = parseExact(text);
  } catch (error) {
    throw new Error(jsonSyntaxError(text) ?? messageOf(error));
  }
  if (patch === null) return [];
  const cannot = (value: unknown, type: string): Error =>
    new Error(`json: cannot unmarshal ${valueWord(value)} into Go value of type jsonpatch.${type}`);
  if (!Array.isArray(patch)) throw cannot(patch, 'Patch');
  const wrong = patch.find((operation) => valueWord(operation) !== 'object');
  if (wrong !== undefined) throw cannot(wrong, 'Operation');
  return patch;
}

/** The operations that a webhook answers with. Throws for what is none: the webhook has failed. */
export function patchOf({ patch, patchType }: AdmissionResponse): readonly unknown[] {
  if (!patch) return [];
  let operations: readonly unknown[];
  try {
    operations = decoded(Buffer.from(patch, 'base64').toString());
  } catch (error) {
    throw new Error(`received undecodable patch in webhook response: ${messageOf(error)}`);
  }
  if (operations.length > 0 && patchType !== 'JSONPatch')
    throw new Error(`unsupported patch type ${JSON.stringify(patchType ?? '')}`);
  return operations;
}

/** The object as a webhook wants it. Throws a 500 where the patch does not apply. */
export function patched(object: Draft, patch: readonly unknown[]): Draft {
  try {
    return applyJsonPatch(object, patch) as Draft;
  } catch (error) {
    throw internalError(patchFailure(error)?.text ?? messageOf(error));
  }
}
