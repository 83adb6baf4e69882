export const namespace = 'differential';

/** A collection, what its objects are, one object that is right, and what is wrong: merged over it at its creation. */
export interface Kind {
  readonly path: string;
  readonly right: object;
  readonly wrong?: Readonly<Record<string, object>>;
  /** Patches of the object once it is there, by the subresource ('' for none) and a name. */
  readonly changes?: readonly (readonly [name: string, subresource: string, patch: object])[];
}

export const inNamespace = (group: string, resource: string): string =>
  `${group === 'v1' ? '/api/v1' : `/apis/${group}`}/namespaces/${namespace}/${resource}`;

/** A schema of which this is said of `spec`. */
export const schema = (spec: object): object => ({
  spec: {
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
});
