import { type FileKind, readShaped } from '../../configuration/shape.ts';

/** `claim` with its prefix, or a CEL expression. */
export interface ClaimOrExpression {
  readonly claim?: string | undefined;
  readonly prefix?: string | undefined;
  readonly expression?: string | undefined;
}

/** One issuer of JSON web tokens and how its claims make a user, as the file has it. */
export interface JwtSettings {
  readonly issuer: {
    readonly url?: string | undefined;
    readonly discoveryURL?: string | undefined;
    readonly certificateAuthority?: string | undefined;
    readonly audiences?: readonly string[] | undefined;
    readonly audienceMatchPolicy?: string | undefined;
    readonly egressSelectorType?: string | undefined;
  };
  readonly claimValidationRules?: readonly ClaimRule[] | undefined;
  readonly claimMappings: {
    readonly username: ClaimOrExpression;
    readonly groups?: ClaimOrExpression | undefined;
    readonly uid?: Omit<ClaimOrExpression, 'prefix'> | undefined;
    readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[] | undefined;
  };
  readonly userValidationRules?: readonly { readonly expression?: string; readonly message?: string }[] | undefined;
}

export interface ClaimRule {
  readonly claim?: string | undefined;
  readonly requiredValue?: string | undefined;
  readonly expression?: string | undefined;
  readonly message?: string | undefined;
}

export interface AnonymousSettings {
  readonly enabled?: boolean | undefined;
  readonly conditions?: readonly { readonly path?: string }[] | undefined;
}

export interface AuthenticationFile {
  readonly jwt: readonly JwtSettings[];
  readonly anonymous?: AnonymousSettings | undefined;
}

const mapping = { fields: { claim: 'string', prefix: 'string', expression: 'string' } } as const;

const file: FileKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'AuthenticationConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: {
    fields: {
      jwt: {
        list: {
          fields: {
            issuer: {
              fields: {
                url: 'string',
                discoveryURL: 'string',
                certificateAuthority: 'string',
                audiences: { list: 'string' },
                audienceMatchPolicy: 'string',
                egressSelectorType: 'string',
              },
            },
            claimValidationRules: {
              list: { fields: { claim: 'string', requiredValue: 'string', expression: 'string', message: 'string' } },
            },
            claimMappings: {
              fields: {
                username: mapping,
                groups: mapping,
                uid: { fields: { claim: 'string', expression: 'string' } },
                extra: { list: { fields: { key: 'string', valueExpression: 'string' } } },
              },
            },
            userValidationRules: { list: { fields: { expression: 'string', message: 'string' } } },
          },
        },
      },
      anonymous: { fields: { enabled: 'boolean', conditions: { list: { fields: { path: 'string' } } } } },
    },
  },
};

/** Reads an AuthenticationConfiguration, unchecked beyond its form. Throws Error in upstream's words. */
export function readAuthenticationFile(text: string): AuthenticationFile {
  const { jwt = [], anonymous } = readShaped(text, file) as {
    jwt?: Partial<JwtSettings>[];
    anonymous?: AnonymousSettings;
  };
  return {
    anonymous: anonymous ?? undefined,
    jwt: (jwt ?? []).map((one) => ({
      ...one,
      issuer: one.issuer ?? {},
      claimMappings: { ...one.claimMappings, username: one.claimMappings?.username ?? {} },
    })),
  };
}
