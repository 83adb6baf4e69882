import { silent } from '../base/log.ts';
import { createSqliteBackend } from './sqlite-backend.ts';

/** The victim of `crash.test.ts`: writes as fast as it can and says of each write when it is acknowledged. */
const [path = '', round = '0'] = process.argv.slice(2);
const backend = createSqliteBackend({ path, log: silent, reservation: 500 });
await backend.start();

async function writer(name: string): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `/crash/${name}/${i % 50}`;
    const text = `${round}.${i}`;
    const result = await backend.write({ key, value: i % 10 === 9 ? undefined : Buffer.from(text) });
    if (result.ok) process.stdout.write(`${key} ${i % 10 === 9 ? '-' : text} ${result.revision}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, i) => writer(String(i))));
