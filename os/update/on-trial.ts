import { KnarrError } from '../../src/base/errors.ts';
import type { Pending } from '../../src/daemon/upgrade/state.ts';

export const onTrial = (message: string): KnarrError => new KnarrError({ code: 'on-trial', blame: 'user', message });

/** Throws KnarrError `on-trial` while a daemon is tried: what is changed beside it nobody could judge. */
export function refuseBesideDaemon(pending: Pending | undefined): void {
  if (pending?.kind === 'daemon')
    throw onTrial(
      `the daemon ${pending.to} is on trial: wait until it is kept (knarr status); a restart of the machine judges it`,
    );
}

/** Throws KnarrError `on-trial` until it is known which version of the machine stays; `what` would change beside it. */
export function refuseBesideMachine(pending: Pending | undefined, what: string): void {
  if (pending !== undefined && pending.kind !== 'daemon')
    throw onTrial(
      `${what} has to wait until ${pending.to} is kept, or taken back by knarr rollback (see knarr status)`,
    );
}
