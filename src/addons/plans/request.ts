import type { Node } from '../../api/gen/core-v1.ts';

/**
 * How a server and a node speak about an upgrade: two annotations of the Node.
 *
 *   server ── knarr.io/upgrade-request ──▶ node       what to upgrade to
 *   server ◀── knarr.io/upgrade-status ─── node       how far it is
 */
export const requestAnnotation = 'knarr.io/upgrade-request';
export const statusAnnotation = 'knarr.io/upgrade-status';
/** The plan that made the node unschedulable, and that alone makes it schedulable again. */
export const cordonAnnotation = 'knarr.io/upgrade-cordoned-by';

/** How long one try may take to be healthy; knarr-health.service ends after two hours whatever happens. */
export const trialSeconds = { least: 10, most: 110 * 60 } as const;

export interface UpgradeRequest {
  /** `namespace/name`. */
  readonly plan: string;
  readonly hash: string;
  /** What is upgraded: the whole machine, or its daemon alone. */
  readonly kind: 'os' | 'daemon';
  /** What `knarr upgrade` is given. */
  readonly from: string;
  /** More options for it: how the new version is tried. */
  readonly options?: readonly string[];
  readonly version: string;
  /** Seconds since 1970; tells one request from the next. */
  readonly at: number;
}

export interface UpgradeReport {
  readonly plan: string;
  readonly hash: string;
  readonly state: 'working' | 'trial' | 'done' | 'failed';
  readonly text: string;
}

function parsed<T>(node: Node, annotation: string): T | undefined {
  const text = node.metadata.annotations?.[annotation];
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

export const requestOf = (node: Node): UpgradeRequest | undefined => parsed(node, requestAnnotation);
export const reportOf = (node: Node): UpgradeReport | undefined => parsed(node, statusAnnotation);

/** For so long a node that was asked, and has said nothing yet, may have begun. */
const silentSeconds = 60;

/** Whether the node does what this plan asked of it, for whatever version that was. */
export function atWorkFor(node: Node, plan: string, nowMs: number): boolean {
  const [request, report] = [requestOf(node), reportOf(node)];
  if (request?.plan !== plan) return false;
  if (report?.hash !== request.hash) return nowMs / 1000 - request.at < silentSeconds;
  return report.state === 'working' || report.state === 'trial';
}
