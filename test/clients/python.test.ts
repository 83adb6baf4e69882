import { join } from 'node:path';
import { test } from 'node:test';
import { startClientEnvironment, whyNot } from './environment.ts';

const python = process.env.KNARR_PYTHON ?? 'python3';
const absent = await whyNot(python, ['-c', 'import kubernetes']);
const skip = absent === undefined ? false : `Python with the package kubernetes is needed (KNARR_PYTHON): ${absent}`;

test('the Python client does all that it ordinarily does', { skip, timeout: 240_000 }, async (t) => {
  await using environment = await startClientEnvironment();
  t.diagnostic(await environment.run(python, [join(import.meta.dirname, 'python/clients.py')]));
});
