import type { Applier } from './applier.ts';
import { caCerts } from './appliers/ca-certs.ts';
import { bootCommands, initCommands, laterCommands } from './appliers/commands.ts';
import { environment } from './appliers/environment.ts';
import { nameServers, timeServers } from './appliers/fallback-servers.ts';
import { hostname } from './appliers/hostname.ts';
import { install } from './appliers/install.ts';
import { modules } from './appliers/modules.ts';
import { mounts } from './appliers/mounts.ts';
import { network } from './appliers/network.ts';
import { node } from './appliers/node.ts';
import { online, record } from './appliers/online.ts';
import { password } from './appliers/password.ts';
import { registries } from './appliers/registries.ts';
import { sshKeys } from './appliers/ssh-keys.ts';
import { swap } from './appliers/swap.ts';
import { sysctls } from './appliers/sysctls.ts';
import { timezone } from './appliers/timezone.ts';
import { users } from './appliers/users.ts';
import { wifi } from './appliers/wifi.ts';
import { writeFiles } from './appliers/write-files.ts';

/** Every applier, in the order in which a boot, and later the runtime phase, goes through them. */
export const appliers: readonly Applier[] = [
  initCommands,
  modules,
  sysctls,
  hostname,
  timezone,
  network,
  nameServers,
  wifi,
  timeServers,
  password,
  users,
  sshKeys,
  caCerts,
  writeFiles,
  environment,
  registries,
  swap,
  mounts,
  install,
  node,
  bootCommands,
  laterCommands,
  record,
  online,
];
