import { KnarrError } from '../base/errors.ts';
import { gates } from './feature-gate-table.ts';

const refuse = (flag: string, message: string): KnarrError =>
  new KnarrError({
    code: 'invalid-setting',
    blame: 'user',
    message: `invalid argument for "--${flag}=feature-gates": ${message}`,
  });

/** Whole stages at once; of alpha features all are off by default, of beta ones some. */
const stageGates: Readonly<Record<string, boolean | undefined>> = { AllAlpha: false, AllBeta: undefined };

const trueTexts = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falseTexts = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/**
 * Reads `A=true,B=false`, refusing as upstream does what it would refuse. What differs from Kubernetes' defaults is given
 * back as sentences: features are here as those defaults have them.
 */
export function featureGateNotices(flag: string, values: readonly string[]): string[] {
  const wanted = new Map<string, boolean>();
  for (const pair of values.flatMap((value) => value.split(',')).map((text) => text.trim())) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = (equals < 0 ? pair : pair.slice(0, equals)).trim();
    if (equals < 0) throw refuse(flag, `missing bool value for ${name}`);
    const text = pair.slice(equals + 1).trim();
    if (!trueTexts.has(text) && !falseTexts.has(text))
      throw refuse(
        flag,
        `invalid value of ${name}=${text}, err: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    wanted.set(name, trueTexts.has(text));
  }
  const notices: string[] = [];
  for (const [name, on] of wanted) {
    const effect = `--${flag}=feature-gates=${name}=${on} has no effect: features are as the defaults of Kubernetes 1.36 have them`;
    if (Object.hasOwn(stageGates, name)) {
      if (stageGates[name] !== on) notices.push(effect);
      continue;
    }
    const gate = gates.get(name);
    if (gate === undefined) throw refuse(flag, `unrecognized feature gate: ${name}`);
    if (gate.on === on) continue;
    if (gate.locked) throw refuse(flag, `cannot set feature gate ${name} to ${on}, feature is locked to ${gate.on}`);
    notices.push(`${effect}, and ${name} (${gate.stage}) is ${gate.on ? 'on' : 'off'}`);
  }
  return notices;
}
