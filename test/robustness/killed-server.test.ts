import assert from 'node:assert/strict';
import { it } from 'node:test';
import { killServer } from './killed-server.ts';

it('a server that is killed at any moment has every write that it acknowledged', async () => {
  const { acknowledged } = await killServer(5);
  assert.ok(acknowledged > 100, `only ${acknowledged} writes were checked`);
});
