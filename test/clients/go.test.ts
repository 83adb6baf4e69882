import { join } from 'node:path';
import { test } from 'node:test';
import { startClientEnvironment, whyNot } from './environment.ts';

const folder = join(import.meta.dirname, 'go');

const go = process.env.KNARR_GO ?? '';

const missing = async (): Promise<string | undefined> => {
  if (go === '') return 'KNARR_GO names no Go (compiling its client takes minutes)';
  const unusable = await whyNot(go, ['version']);
  if (unusable !== undefined) return `KNARR_GO cannot be used: ${unusable}`;
  const absent = await whyNot(go, ['mod', 'download'], folder);
  return absent && `the modules of client-go cannot be had: ${absent}`;
};
const skip = (await missing()) ?? false;

test('client-go does all that it ordinarily does', { skip, timeout: 20 * 60_000 }, async (t) => {
  await using environment = await startClientEnvironment();
  const program = join(environment.folder, 'clients.test');
  await environment.run(go, ['test', '-c', '-o', program, '.'], { cwd: folder });
  t.diagnostic(await environment.run(program, ['-test.v', '-test.timeout=5m']));
});
