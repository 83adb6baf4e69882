import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFlowMeasures } from './measures.ts';
import { createPriorityLevel } from './priority-level.ts';
import { begin, createSeating, inLine, noCounts } from './seating.ts';

test('requests are counted in and out, and how they fared is measured', async () => {
  const measures = createFlowMeasures();
  const level = createPriorityLevel({ seats: 2, queues: 1, handSize: 1, queueLength: 1 }, 10_000);
  const seating = createSeating(noCounts(), measures.of('flow', 'level'), level);
  assert.equal(level.enter('a', 2), undefined);
  const leave = begin(seating, level, 2, false);
  const waiting = level.enter('b', 1, seating.measures.queued);
  assert.ok(waiting);
  const later = inLine(seating, level, waiting, 1, true);
  assert.deepEqual(seating.counts, {
    dispatched: 1,
    executing: 1,
    seats: 2,
    waiting: 1,
    waitingSeats: 1,
    rejected: {},
  });
  const full = level.enter('c', 1);
  assert.ok(full);
  await assert.rejects(inLine(seating, level, full, 1, false), { message: /Too many requests/ });
  leave(30);
  (await later)(3);
  assert.deepEqual(seating.counts, {
    dispatched: 2,
    executing: 0,
    seats: 0,
    waiting: 0,
    waitingSeats: 0,
    rejected: { 'queue-full': 1 },
  });
  const text = measures.render();
  const its = 'flow_schema="flow",priority_level="level"';
  for (const line of [
    `request_execution_seconds_bucket{${its},type="regular",le="0.02"} 0`,
    `request_execution_seconds_sum{${its},type="regular"} 0.03`,
    `request_execution_seconds_count{${its},type="watch"} 1`,
    `request_wait_duration_seconds_count{execute="true",${its}} 1`,
    `request_wait_duration_seconds_count{execute="false",${its}} 1`,
    `request_queue_length_after_enqueue_sum{${its}} 1`,
    `work_estimated_seats_sum{${its}} 3`,
  ])
    assert.ok(text.includes(`apiserver_flowcontrol_${line}\n`), line);
});
