import type { ApiServerOptions } from '../apiserver/options.ts';
import { type ArgumentTable, applyArguments } from './component-arguments.ts';
import { parseBoolean } from './values.ts';

type Extras = Partial<Pick<ApiServerOptions, 'allowAnonymous'>>;

const table: ArgumentTable<Extras> = {
  flag: 'kube-apiserver-arg',
  known: {
    'anonymous-auth': (value) => ({ allowAnonymous: parseBoolean('kube-apiserver-arg=anonymous-auth', value) }),
  },
  refused: {
    'service-node-port-range': 'use --service-node-port-range',
    'service-cluster-ip-range': 'use --service-cidr',
    'advertise-address': 'use --advertise-address',
    'bind-address': 'use --bind-address',
    'secure-port': 'use --https-listen-port',
  },
};

/** What `--kube-apiserver-arg` can set; throws KnarrError for anything else. */
export const apiServerExtras = (args: ReadonlyMap<string, string>): Extras => applyArguments(table, args);
