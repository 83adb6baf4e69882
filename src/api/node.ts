import type { Node } from './gen/core-v1.ts';

/** Whether the node's own word is that it can run pods. */
export const isNodeReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
