import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import { bodyTypes, type Parameter, parametersOf, pathParameters } from './operations.ts';
import { type Describe, writeType } from './schema.ts';

/** The parts of a Swagger 2.0 document that the server writes. */
export interface SwaggerDocument {
  swagger: '2.0';
  info: { title: string; version: string };
  paths: Record<string, Record<string, unknown>>;
  definitions: Record<string, object>;
}

const writeParameter = ({ name, in: place, description, type, required }: Parameter): object => ({
  name,
  in: place,
  description,
  ...(required ? { required } : {}),
  type,
  uniqueItems: true,
});

const reference = (name: string): object => ({ $ref: `#/definitions/${name}` });

/** The whole API in one Swagger 2.0 document. */
export function documentV2(options: {
  operations: readonly OperationFact[];
  types: Readonly<Record<string, TypeFact>>;
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined;
  describe: Describe;
}): SwaggerDocument {
  const { operations, types, typeOf, describe } = options;
  const paths: SwaggerDocument['paths'] = {};
  for (const operation of operations) {
    const { request, response } = bodyTypes(operation, typeOf);
    let path = paths[operation.path];
    if (!path) {
      path = {};
      paths[operation.path] = path;
    }
    path[operation.method] = {
      operationId: operation.id,
      ...(operation.consumes ? { consumes: operation.consumes } : {}),
      ...(operation.produces ? { produces: operation.produces } : {}),
      parameters: [
        ...parametersOf(operation).map(writeParameter),
        ...(request ? [{ name: 'body', in: 'body', schema: reference(request) }] : []),
      ],
      responses: {
        200: { description: 'OK', ...(response ? { schema: reference(response) } : {}) },
        401: { description: 'Unauthorized' },
      },
      ...(operation.action ? { 'x-kubernetes-action': operation.action } : {}),
      ...(operation.gvk ? { 'x-kubernetes-group-version-kind': operation.gvk } : {}),
    };
    path.parameters ??= pathParameters(operation.path).map(writeParameter);
  }
  const definitions: Record<string, object> = {};
  for (const name of Object.keys(types).sort())
    definitions[name] = writeType(name, types[name] as TypeFact, 'v2', describe);
  return { swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.36.3' }, paths, definitions };
}
