import { createCounters } from './counter.ts';
import { createHistograms } from './histogram.ts';

const hour = 3600;
const day = 24 * hour;
const expiry = [0, hour / 2, hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day].concat(
  [30, 90, 180, 360].map((days) => days * day),
);
const bodyBounds = [50_000, ...Array.from({ length: 30 }, (_, i) => 150_000 + i * 100_000)];

/** What comes in at the door, under upstream's names. */
export function createConnectionMetrics() {
  const handshakes = createCounters({
    name: 'apiserver_tls_handshake_errors_total',
    help: 'Handshakes that failed.',
    labels: [],
  });
  handshakes.add(0);
  const certificates = createHistograms({
    name: 'apiserver_client_certificate_expiration_seconds',
    help: 'How long the certificates that requests show will last.',
    labels: [],
    bounds: expiry,
  });
  const bodies = createHistograms({
    name: 'apiserver_request_body_size_bytes',
    help: 'Bytes of requests.',
    labels: ['group', 'resource', 'verb'],
    bounds: bodyBounds,
  });
  return {
    handshakeFailed: (): void => handshakes.count(),
    /** `until`: milliseconds since 1970. */
    certificate: (until: number): void => certificates.of().observe((until - Date.now()) / 1000),
    body: (info: { group: string; resource: string; verb: string }, bytes: number): void =>
      bodies.of(info.group, info.resource, info.verb).observe(bytes),
    render: (): string => handshakes.render() + certificates.render() + bodies.render(),
  };
}

export type ConnectionMetrics = ReturnType<typeof createConnectionMetrics>;
