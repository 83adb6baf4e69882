import { loadModules } from '../../host/modules.ts';
import { readSysctl, writeSysctls } from '../../host/sysctl.ts';

const bridgeSysctl = {
  4: 'net.bridge.bridge-nf-call-iptables',
  6: 'net.bridge.bridge-nf-call-ip6tables',
} as const;

/** The kernel's parts that a pod network stands on; what is built in is not loaded. */
export const loadNetworkModules = (): Promise<string[]> => loadModules(['br_netfilter', 'vxlan']);

/**
 * Makes the kernel forward between pods and the world. Gives per family whether bridged packets pass the rules (they
 * do not where the kernel lacks br_netfilter). The modules are to be loaded before.
 */
export async function prepareForwarding(
  places: readonly { family: 4 | 6; iface: string }[],
): Promise<Record<4 | 6, boolean>> {
  const settings: Record<string, string> = {};
  for (const { family, iface } of places) {
    settings[bridgeSysctl[family]] = '1';
    if (family === 4) settings['net.ipv4.ip_forward'] = '1';
    else {
      // A forwarding kernel ignores router advertisements unless told otherwise; the node lives by them.
      const name = `net.ipv6.conf.${iface.replaceAll('.', '/')}.accept_ra`;
      if ((await readSysctl(name)) === '1') settings[name] = '2';
      settings['net.ipv6.conf.all.forwarding'] = '1';
    }
  }
  await writeSysctls(settings);
  return {
    4: (await readSysctl(bridgeSysctl[4])) === '1',
    6: (await readSysctl(bridgeSysctl[6])) === '1',
  };
}
