import type { OperationFact } from '../../api/openapi-facts.ts';
import { type BodyTypes, bodyTypes, describeOperation, kindsAt, responsesOf, tagOf } from './operations.ts';
import { type Parameter, parametersOf } from './parameters.ts';

/** What one dialect makes of an operation. */
export interface OperationWriter {
  parameter(parameter: Parameter): object;
  /** What stands beside the description of an answer. */
  answer(operation: OperationFact, response: string): object;
  /** What an operation takes beside its parameters, and how. */
  rest(operation: OperationFact, bodies: BodyTypes, parameters: object[]): object;
}

const byName = (a: Parameter, b: Parameter): number => (a.name < b.name ? -1 : Number(a.name > b.name));

/** The `paths` of a document; `use` is told of every type that they name. */
export function writePaths(options: {
  operations: readonly OperationFact[];
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined;
  write: OperationWriter;
  use: (type: string) => void;
}): Record<string, Record<string, unknown>> {
  const { operations, typeOf, write, use } = options;
  const kindOf = kindsAt(operations);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, found] of Map.groupBy(operations, (operation) => operation.path)) {
    const taken = found.map((operation) => parametersOf(operation, kindOf(operation)));
    const isCommon = ({ name, in: place }: Parameter): boolean =>
      taken.every((parameters) => parameters.some((other) => other.name === name && other.in === place));
    const item: Record<string, unknown> = {};
    for (const [i, operation] of found.entries()) {
      const bodies = bodyTypes(operation, typeOf);
      for (const type of [bodies.request, bodies.response]) if (type) use(type);
      const own = (taken[i] ?? []).filter((parameter) => !isCommon(parameter)).sort(byName);
      const { action, gvk, id } = operation;
      item[operation.method] = {
        tags: [tagOf(path)],
        description: describeOperation(operation, kindOf(operation)),
        operationId: id,
        ...write.rest(operation, bodies, own.map(write.parameter)),
        responses: responsesOf(
          operation,
          bodies.response === undefined ? {} : write.answer(operation, bodies.response),
        ),
        ...(action ? { 'x-kubernetes-action': action } : {}),
        ...(gvk ? { 'x-kubernetes-group-version-kind': gvk } : {}),
      };
    }
    const common = (taken[0] ?? []).filter(isCommon).sort(byName);
    if (common.length > 0) item.parameters = common.map(write.parameter);
    paths[path] = item;
  }
  return paths;
}
