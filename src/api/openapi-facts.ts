import { readFile } from 'node:fs/promises';

/** A type of the published API as the facts have it: OpenAPI with `ref` for a name and no descriptions. */
export interface TypeFact {
  type?: string;
  description?: string;
  format?: string;
  ref?: string;
  items?: TypeFact;
  additionalProperties?: TypeFact | boolean;
  properties?: Record<string, TypeFact>;
  required?: string[];
  default?: unknown;
  enum?: readonly string[];
  [extension: `x-kubernetes-${string}`]: unknown;
}

/** One operation of the published API. */
export interface OperationFact {
  path: string;
  method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options';
  action: string | null;
  gvk: { group: string; version: string; kind: string } | null;
  /** What is sent and answered, where that is another kind. */
  body?: { group: string; version: string; kind: string };
  id: string;
  consumes: string[] | null;
  produces: string[] | null;
}

/** Read anew each time: they are large and seldom asked for. */
export async function readTypeFacts(): Promise<Record<string, TypeFact>> {
  const text = await readFile(new URL('./facts/openapi-types.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { types: Record<string, TypeFact> }).types;
}

export async function readOperationFacts(): Promise<OperationFact[]> {
  return JSON.parse(await readFile(new URL('./facts/openapi-operations.json', import.meta.url), 'utf8'));
}

/** Type → field → the values that it may have: the field's own, or those of its items. */
export type EnumFacts = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export async function readEnumFacts(): Promise<EnumFacts> {
  return JSON.parse(await readFile(new URL('./facts/openapi-enums.json', import.meta.url), 'utf8'));
}
