import { type Family, renderFamilies } from '../metrics/text.ts';
import type { Demand } from './demand.ts';
import type { PriorityLevel } from './priority-level.ts';

/** What reports are made of. */
export interface LevelReport {
  readonly name: string;
  /** Undefined: exempt. */
  readonly level: PriorityLevel | undefined;
  readonly nominal: number;
  readonly least: number;
  readonly most: number;
  readonly smoothed: number;
  /** Of the last period, and what was to be given for it. */
  readonly demand?: Demand;
  readonly target?: number;
}

export interface SchemaReport {
  readonly name: string;
  readonly level: string;
  readonly dispatched: number;
  readonly executing: number;
  readonly seats: number;
  readonly waiting: number;
  readonly waitingSeats: number;
  readonly rejected: Readonly<Record<string, number>>;
}

/** Between the name of a schema and its flow in a queue. */
export const flowSeparator = '\0';

/** Columns as Go's tabwriter sets them: each as wide as its widest cell and one space, eight at the least. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell, i) => (i < row.length - 1 ? `${cell},` : cell)));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(8, ...cells.map((row) => (row[i]?.length ?? 0) + 1)));
  return cells
    .map((row) => `${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join('')}\n`)
    .join('');
}

const text = (...values: readonly (string | number | boolean)[]): string[] => values.map(String);

function dumpLevels(levels: readonly LevelReport[]): string {
  const head = text('PriorityLevelName', 'ActiveQueues', 'IsIdle', 'IsQuiescing', 'WaitingRequests').concat(
    text('ExecutingRequests', 'DispatchedRequests', 'RejectedRequests', 'TimedoutRequests', 'CancelledRequests'),
  );
  const rows = levels.map(({ name, level }) => {
    if (!level) return text(name, 0, true, false, 0, 0, 0, 0, 0, 0);
    const { waiting, executing, counts } = level;
    const active = new Set(level.line().map(({ queue }) => queue)).size;
    return text(name, active, waiting + executing === 0, false, waiting, executing, counts.dispatched).concat(
      text(counts.rejected, counts.timedOut, 0),
    );
  });
  return table([head, ...rows]);
}

function dumpQueues(levels: readonly LevelReport[]): string {
  const rows = levels.flatMap(({ name, level }) => {
    const line = level?.line() ?? [];
    return Array.from({ length: level?.limits.queues ?? 0 }, (_, index) => {
      const own = line.filter(({ queue }) => queue === index);
      return text(
        name,
        index,
        own.length,
        own.reduce((sum, { seats }) => sum + seats, 0),
      );
    });
  });
  return table([text('PriorityLevelName', 'Index', 'PendingRequests', 'InitialSeatsSum'), ...rows]);
}

function dumpRequests(levels: readonly LevelReport[]): string {
  const head = text('PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher');
  const rows = levels.flatMap(({ name, level }) =>
    (level?.line() ?? []).map(({ queue, place, flow, seats, since }) => {
      const [schema = '', distinguisher = ''] = flow.split(flowSeparator);
      return text(name, schema, queue, place, distinguisher, new Date(since).toISOString(), seats);
    }),
  );
  return table([[...head, 'ArriveTime', 'InitialSeats'], ...rows]);
}

const dumps: Readonly<Record<string, (levels: readonly LevelReport[]) => string>> = {
  dump_priority_levels: dumpLevels,
  dump_queues: dumpQueues,
  dump_requests: dumpRequests,
};

const prefix = '/debug/api_priority_and_fairness/';

/** The text at a path below `/debug/api_priority_and_fairness`; undefined when there is none. */
export const dumpAt = (path: string, levels: readonly LevelReport[]): string | undefined =>
  path.startsWith(prefix) ? dumps[path.slice(prefix.length)]?.(levels) : undefined;

/**
 * `fraction`: of what is wanted, what levels get; undefined where nobody wants more than his own. `inQueue`: by kind,
 * requests that wait.
 */
export function flowMetrics(
  levels: readonly LevelReport[],
  schemas: readonly SchemaReport[],
  { fraction, inQueue }: { fraction: number | undefined; inQueue: Readonly<Record<string, number>> },
): string {
  const family = (name: string, type: Family['type'], help: string, samples: Family['samples']): Family => ({
    name: `apiserver_flowcontrol_${name}`,
    type,
    help,
    samples,
  });
  const perLevel = (name: string, help: string, value: (level: LevelReport) => number | undefined): Family =>
    family(
      name,
      'gauge',
      help,
      levels.flatMap((one) => {
        const known = value(one);
        return known === undefined ? [] : [{ labels: { priority_level: one.name }, value: known }];
      }),
    );
  const perSchema = (
    name: string,
    type: Family['type'],
    help: string,
    value: (schema: SchemaReport) => number,
  ): Family =>
    family(
      name,
      type,
      help,
      schemas.map((one) => ({ labels: { flow_schema: one.name, priority_level: one.level }, value: value(one) })),
    );
  const rejected = schemas.flatMap((one) =>
    Object.entries(one.rejected).map(([reason, value]) => ({
      labels: { flow_schema: one.name, priority_level: one.level, reason },
      value,
    })),
  );
  return renderFamilies([
    {
      name: 'apiserver_current_inqueue_requests',
      type: 'gauge',
      help: 'Requests that wait now, by kind.',
      samples: Object.entries(inQueue).map(([kind, value]) => ({ labels: { request_kind: kind }, value })),
    },
    perSchema('dispatched_requests_total', 'counter', 'Requests that were let in.', (one) => one.dispatched),
    family('rejected_requests_total', 'counter', 'Requests that were turned away.', rejected),
    perSchema('current_executing_requests', 'gauge', 'Requests that are served now.', (one) => one.executing),
    perSchema('current_executing_seats', 'gauge', 'The seats that they take.', (one) => one.seats),
    perSchema('current_inqueue_requests', 'gauge', 'Requests that wait now.', (one) => one.waiting),
    perSchema('current_inqueue_seats', 'gauge', 'The seats that they wait for.', (one) => one.waitingSeats),
    perLevel('nominal_limit_seats', 'A level’s own seats.', (one) => one.nominal),
    perLevel('lower_limit_seats', 'The fewest seats that a level keeps.', (one) => one.least),
    perLevel('upper_limit_seats', 'The most seats that a level may have.', (one) => one.most),
    perLevel('current_limit_seats', 'The seats that a level has now.', (one) => one.level?.limits.seats ?? one.nominal),
    perLevel('demand_seats_smoothed', 'The seats that a level is taken to want.', (one) => one.smoothed),
    perLevel('demand_seats_average', 'The seats that it wanted lately, on average.', (one) => one.demand?.average),
    perLevel('demand_seats_high_watermark', 'The most that it wanted then.', (one) => one.demand?.highest),
    perLevel('demand_seats_stdev', 'How far that went up and down.', (one) => one.demand?.deviation),
    perLevel('target_seats', 'The seats that it should have.', (one) => one.target),
    family(
      'seat_fair_frac',
      'gauge',
      'The part of what they should have that levels get.',
      fraction === undefined ? [] : [{ labels: {}, value: fraction }],
    ),
  ]);
}
