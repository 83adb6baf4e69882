import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configsOf } from './cloud.ts';
import { openStackData } from './openstack.ts';

const networkOf = (network: object): unknown => {
  const data = openStackData('openstack', { uuid: 'i' }, { userData: undefined, network: { ...network } });
  const parts = configsOf(data);
  assert.deepStrictEqual(
    parts.flatMap(({ problems }) => problems),
    [],
  );
  return parts.map(({ config }) => config.network).find((found) => found !== undefined);
};

const dhcp = {
  links: [{ id: 'tap0', type: 'ovs', vif_id: 'v', mtu: 1450, ethernet_mac_address: 'fa:16:3e:00:00:01' }],
  networks: [{ id: 'network0', type: 'ipv4_dhcp', link: 'tap0', network_id: 'n' }],
  services: [],
};

test('where all is told by DHCP nothing is said of it', () => assert.equal(networkOf(dhcp), undefined));

test('static addresses of both families, routes and name servers; a second port by DHCP', () =>
  assert.deepStrictEqual(
    networkOf({
      links: [...dhcp.links, { id: 'tap1', type: 'phy', mtu: null, ethernet_mac_address: 'fa:16:3e:00:00:02' }],
      networks: [
        {
          ...{ id: 'network0', type: 'ipv4', link: 'tap0', ip_address: '10.0.0.5', netmask: '255.255.240.0' },
          routes: [
            { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' },
            { network: '10.9.0.0', netmask: '255.255.0.0', gateway: '10.0.0.2' },
          ],
          services: [{ type: 'dns', address: '10.0.0.53' }],
        },
        {
          ...{ id: 'network1', type: 'ipv6', link: 'tap0', ip_address: 'fd00::5', netmask: 'ffff:ffff:ffff:ffff::' },
          routes: [{ network: '::', netmask: '::', gateway: 'fd00::1' }],
        },
        { id: 'network2', type: 'ipv4_dhcp', link: 'tap1' },
      ],
      services: [{ type: 'dns', address: '9.9.9.9' }],
    }),
    {
      version: '2',
      ethernets: {
        tap0: {
          mtu: 1450,
          match: { macaddress: 'fa:16:3e:00:00:01' },
          addresses: ['10.0.0.5/20', 'fd00::5/64'],
          routes: [
            { to: 'default', via: '10.0.0.1' },
            { to: '10.9.0.0/16', via: '10.0.0.2' },
            { to: 'default', via: 'fd00::1' },
          ],
          nameservers: { addresses: ['9.9.9.9', '10.0.0.53'] },
        },
        tap1: { match: { macaddress: 'fa:16:3e:00:00:02' }, dhcp4: true },
      },
    },
  ));

test('bare metal: a VLAN on a bond of two ports', () =>
  assert.deepStrictEqual(
    networkOf({
      links: [
        { id: 'eno1', type: 'phy', ethernet_mac_address: 'a0:36:9f:00:00:01' },
        { id: 'eno2', type: 'phy', ethernet_mac_address: 'a0:36:9f:00:00:02' },
        { id: 'bond0', type: 'bond', bond_links: ['eno1', 'eno2'], bond_mode: '802.3ad', bond_miimon: 100 },
        { id: 'vlan7', type: 'vlan', vlan_link: 'bond0', vlan_id: 7, vlan_mac_address: 'a0:36:9f:00:00:01' },
      ],
      networks: [{ id: 'n', type: 'ipv4', link: 'vlan7', ip_address: '10.7.0.5/24' }],
    }),
    {
      version: '2',
      ethernets: {
        eno1: { match: { macaddress: 'a0:36:9f:00:00:01' } },
        eno2: { match: { macaddress: 'a0:36:9f:00:00:02' } },
      },
      bonds: { bond0: { interfaces: ['eno1', 'eno2'], parameters: { mode: '802.3ad', 'mii-monitor-interval': 100 } } },
      vlans: { vlan7: { id: 7, link: 'bond0', macaddress: 'a0:36:9f:00:00:01', addresses: ['10.7.0.5/24'] } },
    },
  ));
