import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidrAddress, cidrContains, cidrsOverlap, formatCidr, formatIp, type Ip, parseCidr, parseIp } from './cidr.ts';

const canonical = (text: string): string | undefined => {
  const ip = parseIp(text);
  return ip && formatIp(ip);
};

test('addresses are read and written in their canonical form', () => {
  const rows: [string, string | undefined][] = [
    ['10.42.0.1', '10.42.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.42.0.01', undefined],
    ['10.42.0', undefined],
    ['10.42.0.256', undefined],
    ['::', '::'],
    ['::1', '::1'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['1:2:3:4:5:6:7', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7:8::', undefined],
    ['', undefined],
    ['example', undefined],
  ];
  assert.deepStrictEqual(
    rows.map(([text]) => [text, canonical(text)]),
    rows,
  );
});

test('networks: host bits dropped, addresses counted, containment and overlap', () => {
  const pods = parseCidr('10.42.3.7/16');
  const inner = parseCidr('10.42.1.0/24');
  const v6 = parseCidr('fd00:42::/56');
  assert.ok(pods && inner && v6);
  assert.equal(formatCidr(pods), '10.42.0.0/16');
  assert.equal(cidrAddress(inner, 1n), '10.42.1.1');
  assert.equal(cidrAddress(v6, 10n), 'fd00:42::a');
  assert.throws(() => cidrAddress(inner, 256n), RangeError);
  assert.equal(cidrContains(pods, parseIp('10.42.255.255') as Ip), true);
  assert.equal(cidrContains(pods, parseIp('10.43.0.0') as Ip), false);
  assert.equal(cidrContains(v6, parseIp('10.42.0.1') as Ip), false);
  assert.equal(cidrsOverlap(pods, inner), true);
  assert.equal(cidrsOverlap(inner, v6), false);
  for (const bad of ['10.42.0.0', '10.42.0.0/33', '10.42.0.0/', 'x/8', '10.0.0.0/08'])
    assert.equal(parseCidr(bad), undefined);
});
