import { access, readdir } from 'node:fs/promises';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import { KnarrError } from '../../src/base/errors.ts';
import type { Applier } from '../applier.ts';
import type { Host } from '../host.ts';
import type { CloudConfig } from '../schema.ts';

type Networks = NonNullable<NonNullable<CloudConfig['k3os']>['wifi']>;

const portFile = `[Match]
Type=wlan

[Network]
DHCP=yes
LinkLocalAddressing=ipv6
IgnoreCarrierLoss=3s

[Link]
RequiredForOnline=no
`;

/** Files of iwd: one per network, named by it; in hexadecimal where the name has other letters than these. */
function iwdFiles(networks: Networks): Record<string, string> {
  return Object.fromEntries(
    networks.map(({ name, passphrase }) => {
      const file = /^[A-Za-z0-9_ -]+$/.test(name) ? name : `=${Buffer.from(name).toString('hex')}`;
      return passphrase === undefined
        ? [`${file}.open`, '[Settings]\nAutoConnect=true\n']
        : [`${file}.psk`, `[Security]\nPassphrase=${passphrase}\n\n[Settings]\nAutoConnect=true\n`];
    }),
  );
}

/** The configuration of wpa_supplicant: the first network is preferred. */
function supplicantFile(networks: Networks): string {
  const blocks = networks.map(({ name, passphrase }, index) => {
    const secret = passphrase === undefined ? 'key_mgmt=NONE' : `psk="${passphrase}"`;
    return `network={\n\tssid=${Buffer.from(name).toString('hex')}\n\tscan_ssid=1\n\tpriority=${networks.length - index}\n\t${secret}\n}\n`;
  });
  return `ctrl_interface=/run/wpa_supplicant\n${blocks.join('')}`;
}

const exists = (host: Host, path: string): Promise<boolean> =>
  access(host.path(path)).then(
    () => true,
    () => false,
  );

/** `k3os.wifi`, by iwd or wpa_supplicant, whichever the image has. */
export const wifi: Applier = {
  key: 'k3os.wifi',
  phases: ['boot', 'runtime'],
  async apply({ k3os }, host) {
    const networks = k3os?.wifi ?? [];
    if (networks.length === 0) return;
    const start: string[] = [];
    if (await exists(host, '/usr/libexec/iwd')) {
      for (const [file, content] of Object.entries(iwdFiles(networks)))
        await writeFileAtomic(host.path(`/var/lib/iwd/${file}`), content, { mode: 0o600 });
      start.push('iwd.service');
    } else if (await exists(host, '/usr/sbin/wpa_supplicant')) {
      const ports = (await readdir(host.path('/sys/class/net')).catch(() => [])).filter((name) => /^wl/.test(name));
      for (const port of ports.length === 0 ? ['wlan0'] : ports) {
        const file = `/etc/wpa_supplicant/wpa_supplicant-${port}.conf`;
        await writeFileAtomic(host.path(file), supplicantFile(networks), { mode: 0o600 });
        start.push(`wpa_supplicant@${port}.service`);
      }
    } else
      throw new KnarrError({
        code: 'wifi',
        blame: 'user',
        message: 'this image has no program for wireless networks: build it with the package iwd or wpasupplicant',
      });
    await writeFileAtomic(host.path('/etc/systemd/network/70-cloud-config-wifi.network'), portFile);
    await host.run('systemctl', ['start', '--no-block', ...start]);
  },
};
