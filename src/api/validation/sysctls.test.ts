import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problems } from './problems.ts';
import { validateSysctls } from './sysctls.ts';

test('what a pod shares with the host is not set by the pod', () => {
  const told = (names: string[], shared: object): string[] => {
    const p = new Problems();
    const sysctls = names.map((name) => ({ name, value: '1' }));
    validateSysctls(p, 's', { containers: [], ...shared, securityContext: { sysctls } });
    return p.causes.map(({ field, message }) => `${field}: ${message}`);
  };
  const names = ['net.core.somaxconn', 'net/ipv4/conf/eth0.200/forwarding', 'fs.mqueue.msg_max', 'kernel.sem'];
  const wrong = (i: number, field: string): string =>
    `s[${i}].name: Invalid value: ${JSON.stringify(names[i])}: may not be specified when '${field}' is true`;
  assert.deepEqual(told(names, {}), []);
  assert.deepEqual(told(names, { hostNetwork: true }), [wrong(0, 'hostNetwork'), wrong(1, 'hostNetwork')]);
  assert.deepEqual(told(names, { hostIPC: true }), [wrong(2, 'hostIPC'), wrong(3, 'hostIPC')]);
  assert.deepEqual(told(['vm.swappiness'], { hostNetwork: true, hostIPC: true }), []);
});
