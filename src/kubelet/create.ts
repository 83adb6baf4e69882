import type { Component } from '../base/component.ts';
import { KnarrError } from '../base/errors.ts';
import type { KubeletOptions } from './options.ts';

export interface Kubelet extends Component {
  /** The port that the kubelet's TLS server is bound to; known once started. */
  readonly port: number;
  /** Takes a renewed serving certificate without closing the listener. */
  setServingCertificate(certificate: { cert: string; key: string }): void;
  /** Why the node is not ready now, or undefined when it is. */
  notReadyReason(): string | undefined;
}

export function createKubelet(options: KubeletOptions): Kubelet {
  const log = options.log.child('kubelet');
  return {
    name: 'kubelet',
    port: options.server.port,
    async start() {
      log.info('starting');
      throw new KnarrError({ code: 'kubelet-incomplete', blame: 'bug', message: 'the kubelet is not assembled yet' });
    },
    async stop() {},
    setServingCertificate() {},
    notReadyReason: () => 'not started',
  };
}
