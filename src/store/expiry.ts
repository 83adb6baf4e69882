/** Keys that go by themselves. One timer, armed only while something is waiting, for the earliest of them. */
export interface Expiry {
  /** `at` in milliseconds since the epoch; `revision` tells a renewed key from an old one. */
  add(item: Expiring): void;
  stop(): void;
}

export interface Expiring {
  readonly key: string;
  readonly revision: number;
  readonly at: number;
  readonly volatile: boolean;
}

const longestTimer = 2 ** 31 - 1;

/** `onDue` is called with everything that is due at once, in order of time. Items may come in any order. */
export function createExpiry(onDue: (due: readonly Expiring[]) => void, now: () => number = Date.now): Expiry {
  const heap: Expiring[] = [];
  let timer: NodeJS.Timeout | undefined;
  let armedFor = Number.POSITIVE_INFINITY;

  const arm = (): void => {
    const first = heap[0];
    if (first === undefined || first.at >= armedFor) return;
    clearTimeout(timer);
    armedFor = first.at;
    timer = setTimeout(fire, Math.min(longestTimer, Math.max(1, first.at - now())));
    timer.unref();
  };
  const fire = (): void => {
    armedFor = Number.POSITIVE_INFINITY;
    const due: Expiring[] = [];
    const time = now();
    while (heap[0] !== undefined && heap[0].at <= time) due.push(popEarliest(heap));
    if (due.length > 0) onDue(due);
    arm();
  };
  return {
    add(item) {
      pushInto(heap, item);
      arm();
    },
    stop() {
      clearTimeout(timer);
      heap.length = 0;
      armedFor = Number.POSITIVE_INFINITY;
    },
  };
}

function pushInto(heap: Expiring[], item: Expiring): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as Expiring;
    if (parent.at <= item.at) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = item;
}

function popEarliest(heap: Expiring[]): Expiring {
  const first = heap[0] as Expiring;
  const last = heap.pop() as Expiring;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && (heap[down + 1] as Expiring).at < (heap[down] as Expiring).at) down++;
    const child = heap[down] as Expiring;
    if (child.at >= last.at) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
  return first;
}
