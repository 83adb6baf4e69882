import type { FieldSelectorAttributes, LabelSelectorAttributes } from '../../../api/gen/authorization-v1.ts';
import {
  type LabelRequirement,
  labelSelectorText,
  parseFieldSelector,
  parseLabelSelector,
  selectorRequirements,
} from '../../../api/selectors.ts';

/** A review's selector as the text that an authorizer is shown. */
export interface ReviewedSelector {
  readonly text: string | undefined;
  /** What could not be read of it, and is left out: it only narrows what is asked for. */
  readonly ignored?: 'ignored' | 'partially ignored' | undefined;
}

const escaped = (value: string): string => value.replace(/[\\,=]/g, (c) => `\\${c}`);

function read(text: string, parse: (text: string) => unknown): ReviewedSelector {
  try {
    parse(text);
    return { text };
  } catch {
    return { text: undefined, ignored: 'ignored' };
  }
}

function joined(terms: readonly (string | undefined)[]): ReviewedSelector {
  const known = terms.filter((term) => term !== undefined);
  const ignored = known.length === terms.length ? undefined : known.length > 0 ? 'partially ignored' : 'ignored';
  return { text: known.length > 0 ? known.join(',') : undefined, ignored };
}

const fieldSigns: Readonly<Record<string, string>> = { In: '=', NotIn: '!=' };

export function reviewedFields(selector: FieldSelectorAttributes | undefined): ReviewedSelector {
  if (selector?.rawSelector) return read(selector.rawSelector, parseFieldSelector);
  return joined(
    (selector?.requirements ?? []).map(({ key, operator, values = [] }) => {
      const [value, ...more] = values;
      const sign = fieldSigns[operator];
      return sign === undefined || value === undefined || more.length > 0
        ? undefined
        : `${key}${sign}${escaped(value)}`;
    }),
  );
}

export function reviewedLabels(selector: LabelSelectorAttributes | undefined): ReviewedSelector {
  if (selector?.rawSelector) return read(selector.rawSelector, parseLabelSelector);
  return joined(
    (selector?.requirements ?? []).map((requirement) => {
      try {
        const found = selectorRequirements({
          matchExpressions: [{ ...requirement, values: requirement.values ?? [] }],
        });
        const text = labelSelectorText(found as readonly LabelRequirement[]);
        parseLabelSelector(text);
        return text;
      } catch {
        return undefined;
      }
    }),
  );
}
