import type { Applier } from './applier.ts';
import { bootCommands, initCommands, laterCommands } from './appliers/commands.ts';
import { environment } from './appliers/environment.ts';
import { hostname } from './appliers/hostname.ts';
import { modules } from './appliers/modules.ts';
import { nameServers } from './appliers/name-servers.ts';
import { node } from './appliers/node.ts';
import { password } from './appliers/password.ts';
import { sshKeys } from './appliers/ssh-keys.ts';
import { sysctls } from './appliers/sysctls.ts';
import { timeServers } from './appliers/time-servers.ts';
import { writeFiles } from './appliers/write-files.ts';

/** Every applier, in the order in which a boot goes through them. */
export const appliers: readonly Applier[] = [
  initCommands,
  modules,
  sysctls,
  hostname,
  nameServers,
  timeServers,
  password,
  sshKeys,
  writeFiles,
  environment,
  node,
  bootCommands,
  laterCommands,
];
