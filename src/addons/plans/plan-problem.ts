import type { LabelSelector } from '../../api/gen/meta-v1.ts';
import { isLabelValue, isQualifiedName } from '../../api/names.ts';
import { selectorRequirements } from '../../api/selectors.ts';
import { parseGoDuration } from '../../base/duration.ts';
import { messageOf } from '../../base/errors.ts';
import { optionsOf } from './decide.ts';
import { type Plan, type PlanContainer, type PlanDrain, planLabel } from './plan.ts';
import { trialSeconds } from './request.ts';
import { windowProblem } from './window.ts';

const toldOf = (field: string, look: () => unknown): string | undefined => {
  try {
    look();
    return undefined;
  } catch (error) {
    return `${field} is invalid: ${messageOf(error)}`;
  }
};

function selectorProblem(field: string, selector: LabelSelector | undefined): string | undefined {
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const [bad] = isQualifiedName(key);
    if (bad !== undefined) return `${field} is invalid: key ${JSON.stringify(key)}: ${bad}`;
    if (/In$/.test(operator) && values.length === 0) return `${field} is invalid: ${operator} of ${key} needs values`;
  }
  return toldOf(field, () => selectorRequirements(selector));
}

function drainProblem(drain: PlanDrain): string | undefined {
  if (drain.deleteEmptydirData !== undefined && drain.deleteLocalData !== undefined)
    return 'spec.drain cannot specify both deleteEmptydirData and deleteLocalData';
  const { timeout = 0, podSelector } = drain;
  // nanoseconds, as a number or as its text
  const isText = typeof timeout === 'string' && !/^\d*$/.test(timeout);
  return (
    selectorProblem('spec.drain.podSelector', podSelector) ??
    (isText ? toldOf('spec.drain.timeout', () => parseGoDuration(timeout)) : undefined)
  );
}

/** Words behind the update that are no `--tries N` or `--deadline DURATION`. */
function optionProblem(upgrade: PlanContainer): string | undefined {
  const words = optionsOf(upgrade).flatMap((word) => word.split(/=(.*)/s).slice(0, 2));
  for (let at = 0; at < words.length; at += 2) {
    const [name, value = ''] = words.slice(at, at + 2);
    const seconds = name === '--deadline' && /^[\dhms.]+$/.test(value) ? secondsOf(value) : Number.NaN;
    const good =
      (name === '--tries' && /^[1-9]$/.test(value)) || (seconds >= trialSeconds.least && seconds <= trialSeconds.most);
    if (!good)
      return `spec.upgrade.args may say --tries N (1 to 9) and --deadline DURATION (${trialSeconds.least}s to ${trialSeconds.most / 60}m) behind the update, not ${JSON.stringify(`${name} ${value}`.trim())}`;
  }
  return undefined;
}

function secondsOf(text: string): number {
  try {
    return parseGoDuration(text) / 1000;
  } catch {
    return Number.NaN;
  }
}

function upgradeProblem(upgrade: PlanContainer): string | undefined {
  const [from] = upgrade.args ?? [];
  if (from === undefined ? !/^[^/]+[.:][^/]*\//.test(upgrade.image) : from === '' || from.startsWith('-'))
    return 'spec.upgrade.args must name the update (a URL, or oci://host/name:tag), or spec.upgrade.image the registry that has it';
  return optionProblem(upgrade);
}

function labelProblem(labels: Readonly<Record<string, string>>): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    const [bad] = [...isQualifiedName(key), ...isLabelValue(value.replaceAll(/\$\(LATEST_(HASH|VERSION)\)/g, 'x'))];
    if (bad !== undefined) return `spec.customNodeLabels is invalid: ${key}=${value}: ${bad}`;
  }
  return undefined;
}

/** Why a plan cannot be carried out; undefined when it can. */
export function planProblem({ metadata, spec = {} }: Plan): string | undefined {
  const { drain, window, postCompleteDelay, upgrade, version = '', channel = '' } = spec;
  const [badName] = isQualifiedName(planLabel(metadata.name ?? ''));
  if (badName !== undefined) return `metadata.name cannot be in the label of a node that is done: ${badName}`;
  if (postCompleteDelay?.startsWith('-')) return 'spec.postCompleteDelay is negative';
  if (version === '' && channel === '') return 'spec.version or spec.channel must be given';
  return (
    (postCompleteDelay ? toldOf('spec.postCompleteDelay', () => parseGoDuration(postCompleteDelay)) : undefined) ??
    (drain && drainProblem(drain)) ??
    (window && windowProblem(window)) ??
    selectorProblem('spec.nodeSelector', spec.nodeSelector) ??
    labelProblem(spec.customNodeLabels ?? {}) ??
    (upgrade && upgradeProblem(upgrade))
  );
}
