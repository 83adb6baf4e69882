import type { Applier } from '../applier.ts';

/** `k3os.install`: read by the installer; what it leaves for the installed machine is a further console. */
export const install: Applier = {
  key: 'k3os.install',
  phases: ['boot'],
  async apply({ k3os }, host) {
    const tty = k3os?.install?.tty?.replace(/^\/dev\//, '').replace(/,.*$/, '');
    if (tty === undefined) return;
    const unit = /^tty\d+$/.test(tty) ? `getty@${tty}.service` : `serial-getty@${tty}.service`;
    await host.run('systemctl', ['start', '--no-block', unit]);
  },
};
