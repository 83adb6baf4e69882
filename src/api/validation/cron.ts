/** The grammar of schedules, with the messages of the parser that upstream uses. */

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  min: number;
  max: number;
  names?: Readonly<Record<string, number>>;
}

const named = (list: readonly string[], from: number): Record<string, number> =>
  Object.fromEntries(list.map((name, i) => [name, i + from]));

const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: named(months, 1) },
  { min: 0, max: 6, names: named(days, 0) },
];
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** What is wrong with a schedule; undefined when nothing is. */
export function cronScheduleError(text: string): string | undefined {
  const spec = text.replace(/^(?:CRON_)?TZ=\S*\s+/, '').trim();
  if (spec.startsWith('@')) {
    if (descriptors.includes(spec)) return undefined;
    if (/^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(spec)) return undefined;
    return `unrecognized descriptor: ${spec}`;
  }
  const parts = spec.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== 5) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [i, part] of parts.entries()) {
    for (const range of part.split(',')) {
      const wrong = rangeError(range, fields[i] as Field);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}

function numberOf(text: string, field: Field): number | string {
  const byName = field.names?.[text.toLowerCase()];
  if (byName !== undefined) return byName;
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text)) return `negative number (${text}) not allowed: ${text}`;
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}

function rangeError(expression: string, field: Field): string | undefined {
  const [range = '', stepText, ...more] = expression.split('/');
  const [lowText = '', highText, ...moreEnds] = range.split('-');
  let low = field.min;
  let high = field.max;
  if (lowText !== '*' && lowText !== '?') {
    const start = numberOf(lowText, field);
    if (typeof start === 'string') return start;
    low = start;
    if (moreEnds.length > 0) return `too many hyphens: ${expression}`;
    const end = highText === undefined ? (stepText === undefined ? low : field.max) : numberOf(highText, field);
    if (typeof end === 'string') return end;
    high = end;
  }
  if (more.length > 0) return `too many slashes: ${expression}`;
  const step = stepText === undefined ? 1 : numberOf(stepText, { min: 0, max: 0 });
  if (typeof step === 'string') return step;
  if (low < field.min) return `beginning of range (${low}) below minimum (${field.min}): ${expression}`;
  if (high > field.max) return `end of range (${high}) above maximum (${field.max}): ${expression}`;
  if (low > high) return `beginning of range (${low}) beyond end of range (${high}): ${expression}`;
  return step === 0 ? `step of range should be a positive number: ${expression}` : undefined;
}

/** What is wrong with a time zone. */
export function timeZoneErrors(zone: string): string[] {
  if (zone === '') return ['timeZone must be nil or non-empty string'];
  const parts = zone.split('/');
  if (
    parts.some((part) => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z0-9._+-]{1,14}$/.test(part))
  ) {
    return [`unknown time zone ${zone}`];
  }
  const known = zone === 'Local' || isZone(zone);
  const local = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  return [...(zone.toLowerCase() === 'local' ? [local] : []), ...(known ? [] : [`unknown time zone ${zone}`])];
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
