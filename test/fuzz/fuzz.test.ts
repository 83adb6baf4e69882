import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keptCases, tryTarget } from './run.ts';
import { targets } from './targets.ts';
import { problemOf } from './worker.ts';

describe('parsers that the network reaches', () => {
  for (const target of targets) {
    it(`${target.name}: what was found before, and a short look for more`, async () => {
      for (const [name, input] of await keptCases(target.name))
        assert.equal(problemOf(target, input), undefined, `corpus/${target.name}/${name}`);
      const { failure } = await tryTarget(target.name, { seed: 1, milliseconds: 300 });
      assert.equal(failure, undefined);
    });
  }
});
