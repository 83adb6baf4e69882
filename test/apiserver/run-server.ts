import { startServer } from './start-server.ts';

/** `node test/apiserver/run-server.ts [port] [sqlite|memory]`: a server to try things on, until it is interrupted. */
const [port = '0', store = 'sqlite'] = process.argv.slice(2);
const started = performance.now();
const running = await startServer({
  port: Number(port),
  store: store === 'memory' ? 'memory' : 'sqlite',
  logLevel: 'info',
});
console.log(`ready after ${Math.round(performance.now() - started)} ms (certificates included)`);
console.log(`export KUBECONFIG=${running.kubeconfig}`);
console.log(`curl -k -H 'Authorization: Bearer ${running.token}' ${running.url}/readyz?verbose`);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void running[Symbol.asyncDispose]().then(() => process.exit(0)));
