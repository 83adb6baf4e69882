import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { run } from './run.ts';

test('a program says what it printed, and why it failed', async () => {
  assert.equal((await run('sh', ['-c', 'cat; echo b'], { input: 'a\n' })).stdout, 'a\nb\n');
  assert.equal((await run('sh', ['-c', 'exit 3'], { okCodes: [0, 3] })).code, 3);
  await assert.rejects(run('sh', ['-c', 'echo why >&2; exit 2']), /exit code 2: why/);
  await assert.rejects(run('sleep', ['60'], { timeoutMs: 50 }), /sleep 60: not done after 0\.05 s/);
});

test('a program that is not there holds nobody up', () => {
  const script = `import { run } from ${JSON.stringify(`${import.meta.dirname}/run.ts`)};
await run('there-is-no-such-program', []).catch((error) => console.log(error.message));`;
  // rejects when the process does not end by itself
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
  assert.match(said.toString(), /ENOENT/);
});
