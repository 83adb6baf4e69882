import type { Host } from '../host.ts';
import type { Facts } from './facts.ts';
import type { Http } from './http.ts';

/** What a cloud tells a machine about itself. */
export interface CloudData {
  /** The source, for messages. */
  from: string;
  instanceId?: string;
  hostname?: string;
  sshKeys?: readonly string[];
  userData?: Buffer;
  /** The provider's own, weaker than the user's. */
  vendorData?: Buffer;
  /** A `network-config` of cloud-init, version 1 or 2. */
  network?: string;
}

export interface Asking {
  host: Host;
  http: Http;
  facts: Facts;
}

/** One place that tells a machine about itself. */
export interface DataSource {
  /** As `k3os.data_sources` has it. */
  name: string;
  /** It is asked when the network is up. */
  network: boolean;
  /** Whether the hardware says that this is the place; such a source is asked without being named. */
  fits(facts: Facts): boolean;
  /** What it says; undefined where it is not there. Throws where it is there and does not answer. */
  read(asking: Asking): Promise<CloudData | undefined>;
}
