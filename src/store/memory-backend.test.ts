import { testBackend } from './backend-contract.ts';
import { createMemoryBackend } from './memory-backend.ts';

testBackend('memory backend', async () => {
  const backend = createMemoryBackend();
  await backend.start();
  return { backend, end: () => backend.stop() };
});
