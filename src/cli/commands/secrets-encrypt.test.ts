import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from './secrets-encrypt.ts';

test('the state of encryption is printed as K3s prints it', () => {
  const text = statusText({
    stage: 'prepare',
    activekey: 'AES-CBC aescbckey',
    enable: true,
    hashmatch: true,
    inactivekeys: ['AES-CBC aescbckey-2026-11-21T14:06:40Z'],
  });
  assert.equal(
    text,
    `Encryption Status: Enabled
Current Rotation Stage: prepare
Server Encryption Hashes: All hashes match

Active  Key Type  Name
------  --------  ----
 *      AES-CBC   aescbckey
        AES-CBC   aescbckey-2026-11-21T14:06:40Z
`,
  );
  assert.equal(statusText({ stage: '', activekey: '' }), 'Encryption Status: Disabled, no configuration file found\n');
});
