/** How fast nodes may be given up, seen over the whole cluster. As upstream's zone states. */
export interface Pace {
  /** Nodes a second; 0: none for now. */
  readonly perSecond: number;
  /** Nothing is ready any more: more likely the network or this server is at fault than every node. */
  readonly everythingDown: boolean;
}

const normal = 0.1;
const slow = 0.01;
const largeCluster = 50;
const unhealthyShare = 0.55;

export function evictionPace(ready: number, notReady: number): Pace {
  if (ready === 0 && notReady > 0) return { perSecond: 0, everythingDown: true };
  if (notReady > 2 && notReady / (ready + notReady) >= unhealthyShare) {
    return { perSecond: ready + notReady > largeCluster ? slow : 0, everythingDown: false };
  }
  return { perSecond: normal, everythingDown: false };
}
