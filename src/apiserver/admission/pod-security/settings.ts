import { KnarrError, messageOf } from '../../../base/errors.ts';
import { type FileKind, readShaped } from '../../configuration/shape.ts';
import { isLevel, type Level, minorOf, modes } from './policy.ts';

/** What holds where a namespace says nothing, and for whom nothing holds. */
export interface PodSecuritySettings {
  readonly defaults: Readonly<Partial<Record<'enforce' | 'audit' | 'warn', Level>>>;
  readonly versions: Readonly<Partial<Record<'enforce' | 'audit' | 'warn', string>>>;
  readonly exempt: {
    readonly usernames: readonly string[];
    readonly runtimeClasses: readonly string[];
    readonly namespaces: readonly string[];
  };
}

const file: FileKind = {
  group: 'pod-security.admission.config.k8s.io',
  kind: 'PodSecurityConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: {
    fields: {
      defaults: {
        fields: Object.fromEntries(
          modes.flatMap((mode) => [
            [mode, 'string'],
            [`${mode}-version`, 'string'],
          ]),
        ),
      },
      exemptions: {
        fields: {
          usernames: { list: 'string' },
          runtimeClasses: { list: 'string' },
          namespaces: { list: 'string' },
          runtimeClassNames: { list: 'string' },
        },
      },
    },
  },
};

/** Reads a PodSecurityConfiguration. Throws KnarrError with what is wrong with it. */
export function parsePodSecurity(text: string): PodSecuritySettings {
  const refuse = (why: string): KnarrError =>
    new KnarrError({ code: 'admission-config', blame: 'user', message: `the configuration of PodSecurity: ${why}` });
  let given: { defaults?: Record<string, string>; exemptions?: Record<string, readonly string[]> };
  try {
    given = readShaped(text, file);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const defaults: Partial<Record<(typeof modes)[number], Level>> = {};
  const versions: Partial<Record<(typeof modes)[number], string>> = {};
  for (const mode of modes) {
    const level = given.defaults?.[mode] ?? '';
    const version = given.defaults?.[`${mode}-version`] ?? '';
    if (level !== '' && !isLevel(level))
      throw refuse(
        `defaults.${mode}: Invalid value: ${JSON.stringify(level)}: must be one of privileged, baseline, restricted`,
      );
    if (version !== '' && minorOf(version) === undefined)
      throw refuse(`defaults.${mode}-version: Invalid value: ${JSON.stringify(version)}: must be "latest" or "v1.x"`);
    if (isLevel(level)) defaults[mode] = level;
    if (version !== '') versions[mode] = version;
  }
  const { usernames = [], runtimeClasses = [], namespaces = [] } = given.exemptions ?? {};
  return { defaults, versions, exempt: { usernames, runtimeClasses, namespaces } };
}
