import type { PlanWindow } from './plan.ts';

const dayNames = ['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'];

/** 0 for Sunday; every form that a plan may give a day. */
export function dayOf(text: string): number | undefined {
  const number = /^[0-6]$/.test(text) ? Number(text) : dayNames.indexOf(text.toLowerCase().slice(0, 2));
  return number < 0 ? undefined : number;
}

/** Minutes since midnight of `9:00`, `09:00`, `9am`, `9:30pm`. */
export function minutesOf(text: string): number | undefined {
  const [, hours = '', minutes = '0', half] = /^(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*([ap]m)?$/i.exec(text.trim()) ?? [];
  if (hours === '') return undefined;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  return hour < 24 && Number(minutes) < 60 ? hour * 60 + Number(minutes) : undefined;
}

/** Why a window is none; undefined when it is one. */
export function windowProblem({ days = [], startTime = '', endTime = '', timeZone }: PlanWindow): string | undefined {
  const bad = days.find((day) => dayOf(day) === undefined);
  if (bad !== undefined) return `spec.window is invalid: no day ${JSON.stringify(bad)}`;
  for (const [name, value] of Object.entries({ startTime, endTime }))
    if (value !== '' && minutesOf(value) === undefined)
      return `spec.window is invalid: ${name} ${JSON.stringify(value)} is no time of day`;
  try {
    if (timeZone) new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    return `spec.window is invalid: unknown time zone ${timeZone}`;
  }
  return undefined;
}

/** Is it that time of that day there? A window whose end comes before its start goes on into the next day. */
export function windowContains(window: PlanWindow, now: Date): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: window.timeZone || 'UTC',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? '';
  const today = dayOf(part('weekday')) ?? 0;
  const minute = Number(part('hour')) * 60 + Number(part('minute'));
  const start = minutesOf(window.startTime ?? '') ?? 0;
  const end = minutesOf(window.endTime ?? '') ?? 24 * 60;
  const days = new Set((window.days?.length ? window.days : dayNames).map(dayOf));
  if (start <= end) return days.has(today) && minute >= start && minute < end;
  return (days.has(today) && minute >= start) || (days.has((today + 6) % 7) && minute < end);
}
