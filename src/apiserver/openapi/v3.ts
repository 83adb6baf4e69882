import type { OperationFact, TypeFact } from '../../api/openapi-facts.ts';
import { bodyTypes, type Parameter, parametersOf, pathParameters } from './operations.ts';
import { closure, type Describe, writeType } from './schema.ts';

const content = (types: readonly string[], name: string): object =>
  Object.fromEntries(types.map((type) => [type, { schema: { $ref: `#/components/schemas/${name}` } }]));

const writeParameter = ({ name, in: place, description, type, required }: Parameter): object => ({
  name,
  in: place,
  description,
  ...(required ? { required } : {}),
  schema: { type, uniqueItems: true },
});

const successCodes: Readonly<Record<string, readonly string[]>> = {
  post: ['200', '201', '202'],
  put: ['200', '201'],
  patch: ['200', '201'],
  delete: ['200', '202'],
};
const codeText: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };

function writeOperation(operation: OperationFact, request: string | undefined, response: string | undefined): object {
  const { action, gvk, id, produces, consumes } = operation;
  const answer = response && produces && produces.length > 0 ? { content: content(produces, response) } : {};
  const codes = successCodes[action ?? ''] ?? ['200'];
  const takes = consumes?.filter((type) => type !== '*/*') ?? [];
  const parameters = parametersOf(operation).map(writeParameter);
  return {
    ...(parameters.length > 0 ? { parameters } : {}),
    operationId: id,
    ...(request
      ? {
          requestBody: {
            content: content(takes.length > 0 ? takes : ['*/*'], request),
            ...(request.endsWith('.DeleteOptions') ? {} : { required: true }),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(codes.map((code) => [code, { description: codeText[code], ...answer }])),
      401: { description: 'Unauthorized' },
    },
    ...(action ? { 'x-kubernetes-action': action } : {}),
    ...(gvk ? { 'x-kubernetes-group-version-kind': gvk } : {}),
  };
}

/** The document of one group version (or other path): its operations, and the types that they lead to. */
export function documentV3(options: {
  operations: readonly OperationFact[];
  types: Readonly<Record<string, TypeFact>>;
  typeOf: (gvk: NonNullable<OperationFact['gvk']>, list: boolean) => string | undefined;
  describe: Describe;
}): object {
  const { operations, types, typeOf, describe } = options;
  const paths: Record<string, Record<string, unknown>> = {};
  const used = new Set<string>();
  for (const operation of operations) {
    const { request, response } = bodyTypes(operation, typeOf);
    for (const name of [request, response]) if (name) used.add(name);
    let path = paths[operation.path];
    if (!path) {
      path = {};
      paths[operation.path] = path;
    }
    path[operation.method] = writeOperation(operation, request, response);
    path.parameters ??= pathParameters(operation.path).map(writeParameter);
  }
  const schemas: Record<string, object> = {};
  for (const name of [...closure(used, types)].sort())
    schemas[name] = writeType(name, types[name] as TypeFact, 'v3', describe);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.3' },
    paths,
    components: {
      schemas,
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}
