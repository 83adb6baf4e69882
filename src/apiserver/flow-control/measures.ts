import { createHistograms } from '../metrics/histogram.ts';

const durations = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const perSchema = ['flow_schema', 'priority_level'];

/** What is observed of the requests of one flow schema. Times are in milliseconds. */
export interface Measures {
  seats(count: number): void;
  /** Let in at once, past queues that are there. */
  unqueued(): void;
  queued(length: number): void;
  waited(ms: number, execute: boolean): void;
  regular(ms: number): void;
  /** For a watch: until it begins to send. */
  watch(ms: number): void;
}

export type FlowMeasures = ReturnType<typeof createFlowMeasures>;

/** How requests fare in priority and fairness, under upstream's names. */
export function createFlowMeasures() {
  const family = (name: string, help: string, labels: readonly string[], bounds: readonly number[]) =>
    createHistograms({ name: `apiserver_flowcontrol_${name}`, help, labels, bounds });
  const seats = family('work_estimated_seats', 'Seats that requests take.', perSchema, [1, 2, 4, 8, 16, 32, 64, 100]);
  const lengths = family(
    'request_queue_length_after_enqueue',
    'Requests in a queue, as each that came into it found it.',
    perSchema,
    [0, 10, 25, 50, 100, 250, 500, 1000],
  );
  const waits = family(
    'request_wait_duration_seconds',
    'Time that requests waited in a queue.',
    ['execute', ...perSchema],
    durations,
  );
  const executions = family(
    'request_execution_seconds',
    'Time that requests were served.',
    [...perSchema, 'type'],
    durations,
  );
  return {
    of(schema: string, level: string): Measures {
      const [estimated, length] = [seats.of(schema, level), lengths.of(schema, level)];
      const [waited, refused] = [waits.of('true', schema, level), waits.of('false', schema, level)];
      const [regular, watch] = [executions.of(schema, level, 'regular'), executions.of(schema, level, 'watch')];
      return {
        seats: (count) => estimated.observe(count),
        unqueued() {
          length.observe(1);
          waited.observe(0);
        },
        queued: (count) => length.observe(count),
        waited: (ms, execute) => (execute ? waited : refused).observe(ms / 1000),
        regular: (ms) => regular.observe(ms / 1000),
        watch: (ms) => watch.observe(ms / 1000),
      };
    },
    render: (): string => [seats, lengths, waits, executions].map((one) => one.render()).join(''),
  };
}
