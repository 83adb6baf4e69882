/** Five fields, or one of the `@` names; times are read in a zone. Days match when day of month or day of week do. */
export interface Schedule {
  /** The first time after `after` (milliseconds), or undefined when there is none within five years. */
  next(after: number): number | undefined;
}

interface Field {
  min: number;
  max: number;
  names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];

const shortcuts: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

function numberOf(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.min;
  if (!/^\d+$/.test(text)) throw new Error(`failed to parse int from ${text}`);
  return Number(text);
}

function parseField(text: string, field: Field): { values: Set<number>; any: boolean } {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) throw new Error(`step of range should be a positive number: ${part}`);
    let first = field.min;
    let last = field.max;
    if (range === '*' || range === '?') {
      any ||= step === 1;
    } else {
      const [from = '', to] = range.split('-');
      first = numberOf(from, field);
      last = to === undefined ? (stepText === undefined ? first : field.max) : numberOf(to, field);
    }
    // Seven is Sunday too.
    const top = field.names === days ? 7 : field.max;
    if (first < field.min || last > top || first > last) throw new Error(`range out of bounds: ${part}`);
    for (let v = first; v <= last; v += step) values.add(field.names === days ? v % 7 : v);
  }
  return { values, any };
}

interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

function wallClock(zone: string): (at: number) => Wall {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map((p) => [p.type, Number(p.value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
    return { year, month, day, hour, minute };
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Throws on what is no schedule or no zone. */
export function parseSchedule(text: string, zone = 'UTC'): Schedule {
  const every = /^@every\s+(\d+)(s|m|h)$/.exec(text.trim());
  if (every) {
    const ms = Number(every[1]) * ({ s: 1000, m: minuteMs, h: hourMs }[every[2] ?? 's'] ?? 1000);
    return { next: (after) => after + Math.max(1000, ms) };
  }
  const inner = /^(?:CRON_TZ|TZ)=(\S+)\s+(.*)$/.exec(text.trim());
  if (inner) return parseSchedule(inner[2] ?? '', inner[1]);
  const parts = (shortcuts[text.trim()] ?? text.trim()).split(/\s+/);
  if (parts.length !== 5) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${text}]`);
  const [minutes, hours, dates, monthsSet, weekdays] = parts.map((p, i) => parseField(p, fields[i] as Field));
  if (!minutes || !hours || !dates || !monthsSet || !weekdays) throw new Error(`not a schedule: ${text}`);
  const wall = wallClock(zone);

  const dayMatches = ({ year, month, day }: Wall): boolean => {
    if (!monthsSet.values.has(month)) return false;
    const date = dates.values.has(day);
    const weekday = weekdays.values.has(new Date(Date.UTC(year, month - 1, day)).getUTCDay());
    return dates.any || weekdays.any ? date && weekday : date || weekday;
  };

  return {
    next(after) {
      let at = Math.floor(after / minuteMs) * minuteMs + minuteMs;
      const end = after + 5 * 366 * dayMs;
      while (at < end) {
        const now = wall(at);
        if (!dayMatches(now)) {
          // To the next midnight on the wall; an hour early where a clock change may lie between.
          const left = dayMs - (now.hour * hourMs + now.minute * minuteMs);
          at += left > 3 * hourMs ? left - 2 * hourMs : Math.min(left, hourMs - now.minute * minuteMs);
          continue;
        }
        if (!hours.values.has(now.hour)) {
          at += hourMs - now.minute * minuteMs;
          continue;
        }
        if (!minutes.values.has(now.minute)) {
          at += minuteMs;
          continue;
        }
        return at;
      }
      return undefined;
    },
  };
}
