/**
 * A part of the daemon with a life of its own.
 *
 *   new ──start()──▶ starting ──resolved──▶ running ──stop()──▶ stopping ──resolved──▶ stopped
 *
 * `start` resolves when the part does its work (a listener is bound, caches are filled) and rejects when it cannot;
 * after a rejection `stop` must still be safe to call. `stop` releases everything that the part owns and never rejects
 * for what was already gone. Parts are started in order and stopped in reverse.
 */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}
