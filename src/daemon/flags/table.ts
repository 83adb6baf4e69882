import { clusterFlags } from './cluster.ts';
import type { Flag } from './flag.ts';
import { generalFlags } from './general.ts';
import { nodeFlags } from './node.ts';

export type Role = 'server' | 'agent';

/** All settings, in the order in which help shows them. */
export const allFlags: readonly Flag[] = [...generalFlags, ...clusterFlags, ...nodeFlags];

export const flagsOf = (role: Role): readonly Flag[] =>
  allFlags.filter((flag) => flag.appliesTo === 'both' || flag.appliesTo === role);

/** The flag of that name or alias, among all. */
export const findFlag = (name: string): Flag | undefined =>
  allFlags.find((flag) => flag.name === name || flag.aliases?.includes(name));
