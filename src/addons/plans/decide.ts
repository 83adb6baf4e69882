import { createHash } from 'node:crypto';
import type { Node } from '../../api/gen/core-v1.ts';
import { labelSelectorMatches } from '../../api/selectors.ts';
import { keyOf } from '../../client/informer.ts';
import { type Plan, type PlanContainer, planLabel } from './plan.ts';
import { atWorkFor } from './request.ts';

const controlPlane = 'node-role.kubernetes.io/control-plane';

/** What a plan does with its nodes: the images that the daemon stands for, by the end of their names. */
export function kindOf(plan: Plan): 'os' | 'daemon' | undefined {
  const name = (plan.spec?.upgrade?.image ?? '').replace(/[:@][^/]*$/, '');
  if (/(^|\/)knarr\/upgrade$/.test(name)) return 'os';
  return /(^|\/)knarr\/upgrade-daemon$/.test(name) ? 'daemon' : undefined;
}

const variables = ['SYSTEM_UPGRADE_PLAN_LATEST_VERSION', 'LATEST_VERSION'];

/**
 * What a node is to upgrade from: the first argument, in which `$(SYSTEM_UPGRADE_PLAN_LATEST_VERSION)` is the version;
 * without arguments the image itself, tagged with the version.
 */
export function sourceOf({ image, args = [] }: PlanContainer, version: string): string {
  const [first] = args;
  if (first !== undefined)
    return variables.reduce(
      (text, name) => text.replaceAll(`$(${name})`, version).replaceAll(`$${name}`, version),
      first,
    );
  return `oci://${/[:@][^/]*$/.test(image) ? image : `${image}:${version}`}`;
}

/** Behind what to upgrade from, a plan may say how the new version is tried: `--tries N`, `--deadline DURATION`. */
export const optionsOf = ({ args = [] }: PlanContainer): readonly string[] =>
  args
    .slice(1)
    .flatMap((arg) => arg.split(/\s+/))
    .filter((word) => word !== '');

/** Names the state that a plan wants its nodes in. */
export function hashOf({ spec = {} }: Plan, latestVersion: string): string {
  const { serviceAccountName = '', upgrade } = spec;
  const parts = [latestVersion, serviceAccountName, upgrade?.image ?? '', ...(upgrade?.args ?? [])];
  return createHash('sha224').update(parts.join('\0')).digest('hex');
}

export const isServer = (node: Node): boolean => node.metadata.labels?.[controlPlane] !== undefined;
const nameOf = (node: Node): string => node.metadata.name ?? '';

/** The nodes that a plan is about. */
export const selectedNodes = (plan: Plan, nodes: readonly Node[]): Node[] =>
  nodes.filter(
    ({ metadata: { labels } }) =>
      labels?.['kubernetes.io/hostname'] !== undefined &&
      labels[planLabel(plan.metadata.name ?? '')] !== 'disabled' &&
      (plan.spec?.nodeSelector === undefined || labelSelectorMatches(plan.spec.nodeSelector, labels)),
  );

/**
 * The nodes to work on: those under way, and as many more as the plan lets run at a time. Servers come first, and no
 * agent is begun while a server of the plan is not done. Those of one kind go in an order that each plan draws anew.
 */
export function nodesToApply(
  plan: Plan,
  nodes: readonly Node[],
  hash: string,
  options: { applying: readonly string[]; mayBegin: boolean; nowMs: number },
): Node[] {
  const name = plan.metadata.name ?? '';
  const open = selectedNodes(plan, nodes).filter(({ metadata }) => metadata.labels?.[planLabel(name)] !== hash);
  const under = open.filter(
    (node) => options.applying.includes(nameOf(node)) || atWorkFor(node, keyOf(plan), options.nowMs),
  );
  const serversOpen = open.some(isServer);
  const draw = (node: Node): string =>
    createHash('sha256').update(`${node.metadata.uid}${plan.metadata.uid}${hash}`).digest('hex');
  const candidates = open
    .filter((node) => !under.includes(node) && (!serversOpen || isServer(node)))
    .map((node) => ({ node, drawn: draw(node) }))
    .sort((a, b) => (a.drawn < b.drawn ? -1 : 1))
    .map(({ node }) => node);
  const room = Math.max(0, (plan.spec?.concurrency ?? 1) - under.length);
  const begun = options.mayBegin ? candidates.slice(0, room) : [];
  return [...under, ...begun].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
