import { createCounters } from './counter.ts';
import { createHistograms } from './histogram.ts';

const sizes = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];
const labels = ['host', 'verb'];

const requests = createCounters({
  name: 'rest_client_requests_total',
  help: 'Requests to webhooks and other services outside.',
  labels: ['code', 'host', 'method'],
});
const times = createHistograms({
  name: 'rest_client_request_duration_seconds',
  help: 'Time until they were answered.',
  labels,
  bounds: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
});
const sent = createHistograms({ name: 'rest_client_request_size_bytes', help: 'Bytes sent.', labels, bounds: sizes });
const received = createHistograms({
  name: 'rest_client_response_size_bytes',
  help: 'Bytes of answers.',
  labels,
  bounds: sizes,
});

/** One request to a service outside, as it goes. */
export interface Posting {
  answered(code: number, bytes: number): void;
  failed(): void;
}

/** A POST of so many bytes begins. */
export function posting(host: string, bytes: number): Posting {
  const began = performance.now();
  const ended = (code: string): void => {
    requests.count(code, host, 'POST');
    times.of(host, 'POST').observe((performance.now() - began) / 1000);
  };
  sent.of(host, 'POST').observe(bytes);
  return {
    answered(code, answer) {
      ended(String(code));
      received.of(host, 'POST').observe(answer);
    },
    failed: () => ended('<error>'),
  };
}

/** Of all requests of this process. */
export const renderRestClient = (): string => [requests, times, sent, received].map((one) => one.render()).join('');
