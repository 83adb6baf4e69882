import type { ApiServerOptions } from '../apiserver/options.ts';
import { KnarrError } from '../base/errors.ts';
import { parseBoolean } from './values.ts';

type Extras = Partial<Pick<ApiServerOptions, 'allowAnonymous'>>;

const setters: Readonly<Record<string, (value: string) => Extras>> = {
  'anonymous-auth': (value) => ({ allowAnonymous: parseBoolean('kube-apiserver-arg=anonymous-auth', value) }),
};

/** What `--kube-apiserver-arg` can set; throws KnarrError for anything else. */
export function apiServerExtras(args: ReadonlyMap<string, string>): Extras {
  let extras: Extras = {};
  for (const [name, value] of args) {
    const set = setters[name];
    if (set === undefined)
      throw new KnarrError({
        code: 'invalid-setting',
        blame: 'user',
        message: `--kube-apiserver-arg=${name} is not supported yet; known are ${Object.keys(setters).join(', ')}`,
      });
    extras = { ...extras, ...set(value) };
  }
  return extras;
}
