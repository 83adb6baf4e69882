import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../../api/names.ts';
import { formatProblem } from '../../crd/formats.ts';
import type { Environment } from '../environment.ts';
import { type LibraryValue, Optional } from '../values.ts';
import { urlProblem } from './urls.ts';

const type = 'kubernetes.NamedFormat';

class FormatValue implements LibraryValue {
  readonly celType = type;
  readonly check: (text: string) => readonly string[];
  /** What matching a text against it costs, as if it were a pattern of this length. */
  readonly patternLength: number;
  constructor(check: (text: string) => readonly string[], patternLength: number) {
    this.check = check;
    this.patternLength = patternLength;
  }
  celEquals(other: FormatValue): boolean {
    return this === other;
  }
}

const strfmt =
  (format: string, problem: string) =>
  (text: string): readonly string[] =>
    formatProblem(format, text) ? [problem] : [];
const prefixed = (check: (text: string) => string[]) => (text: string) => check(text.replace(/-$/, 'a'));
function uri(text: string): string[] {
  const problem = urlProblem(text);
  return problem === undefined ? [] : [problem];
}

const notBase64 = 'invalid base64';

const formats: Readonly<Record<string, FormatValue>> = {
  dns1123Label: new FormatValue(isDns1123Label, 30),
  dns1123Subdomain: new FormatValue(isDns1123Subdomain, 60),
  dns1035Label: new FormatValue(isDns1035Label, 30),
  qualifiedName: new FormatValue(isQualifiedName, 60),
  dns1123LabelPrefix: new FormatValue(prefixed(isDns1123Label), 30),
  dns1123SubdomainPrefix: new FormatValue(prefixed(isDns1123Subdomain), 60),
  dns1035LabelPrefix: new FormatValue(prefixed(isDns1035Label), 30),
  labelValue: new FormatValue(isLabelValue, 40),
  uri: new FormatValue(uri, 1500),
  uuid: new FormatValue(strfmt('uuid', 'does not match the UUID format'), 90),
  byte: new FormatValue((text) => (text === '' ? [notBase64] : strfmt('byte', notBase64)(text)), 88),
  date: new FormatValue(strfmt('date', 'invalid date'), 100),
  datetime: new FormatValue(strfmt('date-time', 'invalid datetime'), 100),
};

/** Upstream: `cel/library/format.go`. */
export function addFormatLibrary(environment: Environment): void {
  environment
    .registerOpaque(type)
    .registerFunction(`format.named(string): optional<${type}>`, (name: string) => {
      const found = Object.hasOwn(formats, name) ? formats[name] : undefined;
      return found ? Optional.of(found) : Optional.none;
    })
    .registerFunction(`${type}.validate(string): optional<list<string>>`, (by: FormatValue, text: string) => {
      const problems = by.check(text);
      return problems.length > 0 ? Optional.of([...problems]) : Optional.none;
    });
  for (const [name, value] of Object.entries(formats))
    environment.registerFunction(`format.${name}(): ${type}`, () => value);
}
