/** The grammars of names and label parts, with upstream's messages (`apimachinery/pkg/util/validation`). Each gives what is wrong; empty when nothing is. */

const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelPattern = new RegExp(`^${labelFormat}$`);
const label1035Format = '[a-z]([-a-z0-9]*[a-z0-9])?';
const label1035Pattern = new RegExp(`^${label1035Format}$`);
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const subdomainPattern = new RegExp(`^${subdomainFormat}$`);
const wildcardFormat = `\\*\\.${subdomainFormat}`;
const wildcardPattern = new RegExp(`^${wildcardFormat}$`);
const qualifiedFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const qualifiedPattern = new RegExp(`^${qualifiedFormat}$`);
const valuePattern = new RegExp(`^(${qualifiedFormat})?$`);
const envNameFormat = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const configKeyFormat = '[-._a-zA-Z0-9]+';
const configKeyPattern = new RegExp(`^${configKeyFormat}$`);
const cIdentifierFormat = '[A-Za-z_][A-Za-z0-9_]*';
const cIdentifierPattern = new RegExp(`^${cIdentifierFormat}$`);

const tooManyBytes = (max: number): string => `must be no more than ${max} bytes`;
const tooManyCharacters = (max: number): string => `must be no more than ${max} characters`;
export const emptyText = 'must be non-empty';

function regexText(message: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  const told = examples.map((e, i) => `${i > 0 ? ' or ' : ''}'${e}', `).join('');
  return `${message} (e.g. ${told}regex used for validation is '${format}')`;
}

const labelText = regexText(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  labelFormat,
  'my-name',
  '123-abc',
);
const label1035Text = regexText(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  label1035Format,
  'my-name',
  'abc-123',
);
const subdomainText = regexText(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomainFormat,
  'example.com',
);
const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const valueText = regexText(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${qualifiedFormat})?`,
  'MyValue',
  'my_value',
  '12345',
);

function check(
  value: string,
  max: number,
  pattern: RegExp,
  text: string | ((value: string) => string),
  long = tooManyCharacters,
): string[] {
  const fits = pattern.test(value);
  if (fits && value.length <= max) return [];
  return [...(value.length > max ? [long(max)] : []), ...(fits ? [] : [typeof text === 'string' ? text : text(value)])];
}

const noLabel = (value: string): string => (subdomainPattern.test(value) ? 'must not contain dots' : labelText);

export const isDns1123Label = (value: string): string[] => check(value, 63, labelPattern, noLabel);
export const isDns1035Label = (value: string): string[] => check(value, 63, label1035Pattern, label1035Text);
export const isDns1123Subdomain = (value: string): string[] => check(value, 253, subdomainPattern, subdomainText);
export const isWildcardDns1123Subdomain = (value: string): string[] =>
  check(
    value,
    253,
    wildcardPattern,
    regexText(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      wildcardFormat,
      '*.example.com',
    ),
  );

/** A label key, annotation key, finalizer, resource name: `[prefix/]name`. */
export function isQualifiedName(value: string): string[] {
  if (value.length <= 63 && qualifiedPattern.test(value)) return [];
  const parts = value.split('/');
  const problems: string[] = [];
  if (parts.length > 2) {
    return [
      `a valid label key ${regexText(qualifiedMessage, qualifiedFormat, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') problems.push(`prefix part ${emptyText}`);
    else
      problems.push(
        ...check(prefix, 253, subdomainPattern, subdomainText, tooManyBytes).map((m) => `prefix part ${m}`),
      );
  }
  if (name === '') problems.push(`name part ${emptyText}`);
  else if (name.length > 63) problems.push(`name part ${tooManyBytes(63)}`);
  if (!qualifiedPattern.test(name)) {
    problems.push(`name part ${regexText(qualifiedMessage, qualifiedFormat, 'MyName', 'my.name', '123-abc')}`);
  }
  return problems;
}

export const isLabelValue = (value: string): string[] => check(value, 63, valuePattern, valueText, tooManyBytes);

/** The name of an environment variable: printable ASCII without `=`. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyText}`];
  for (const character of value) {
    if (!(character >= ' ' && character <= '~') || character === '=') {
      return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
    }
  }
  return [];
}

export const isEnvVarName = (value: string): string[] => [
  ...(new RegExp(`^${envNameFormat}$`).test(value)
    ? []
    : [
        regexText(
          "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
          envNameFormat,
          'my.env-name',
          'MY_ENV.NAME',
          'MyEnvName1',
        ),
      ]),
  ...dotNames(value),
];

const dotNames = (value: string): string[] =>
  value === '.' || value === '..'
    ? [`must not be '${value}'`]
    : value.startsWith('..')
      ? ["must not start with '..'"]
      : [];

const configKeyText = regexText(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  configKeyFormat,
  'key.name',
  'KEY_NAME',
  'key-name',
);

export const isConfigMapKey = (value: string): string[] => [
  ...check(value, 253, configKeyPattern, configKeyText),
  ...dotNames(value),
];

export const isCIdentifier = (value: string): string[] =>
  cIdentifierPattern.test(value)
    ? []
    : [
        regexText(
          "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
          cIdentifierFormat,
          'my_name',
          'MY_NAME',
          'MyName',
        ),
      ];

const reasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonPattern = new RegExp(`^${reasonFormat}$`);

/** Why a condition is as it is, in one word. */
export const isConditionReason = (value: string): string[] =>
  reasonPattern.test(value)
    ? []
    : [
        regexText(
          "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
          reasonFormat,
          'my_name',
          'MY_NAME',
          'MyName',
          'ReasonA,ReasonB',
          'ReasonA:ReasonB',
        ),
      ];

export const isPortNumber = (port: number): string[] =>
  port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];

/** The name of a port (IANA service name). */
export function isPortName(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push(tooManyCharacters(15));
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value !== '' && (value.startsWith('-') || value.endsWith('-'))) {
    problems.push('must not begin or end with a hyphen');
  }
  return problems;
}

export const isPercent = (value: string): string[] =>
  /^[0-9]+%$/.test(value)
    ? []
    : [regexText("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%')];

const headerFormat = '[-A-Za-z0-9]+';

export const isHttpHeaderName = (value: string): string[] =>
  /^[-A-Za-z0-9]+$/.test(value)
    ? []
    : [regexText("a valid HTTP header must consist of alphanumeric characters or '-'", headerFormat, 'X-Header-Name')];

/** A domain name with underscores, as search paths may have. */
export const isDns1123SubdomainWithUnderscore = (value: string): string[] => {
  const label = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
  const format = `${label}(\\.${label})*`;
  const text = regexText(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
    format,
    'example.com',
  );
  return check(value, 253, new RegExp(`^${format}$`), text);
};

/** Names that only have to fit into a URL path. */
export const isPathSegment = (value: string): string[] =>
  value === '.' || value === '..'
    ? [`may not be '${value}'`]
    : ['/', '%'].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`);

export const inRange = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;
