import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silent } from '../base/log.ts';
import { createLoadBalancer } from './load-balancer.ts';

async function serve(t: TestContext, answer: string): Promise<{ address: string; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => {}).write(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, server };
}

async function ask(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    socket.destroy();
  });
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

test('a connection goes to the first server that answers, and to others when it fails', async (t) => {
  const [one, two] = [await serve(t, 'one'), await serve(t, 'two')];
  const balancer = createLoadBalancer({ port: 0, servers: [one.address, two.address], log: silent });
  await balancer.start();
  t.after(() => balancer.stop());
  assert.equal(await ask(balancer.port), 'one');
  await new Promise((resolve) => one.server.close(resolve));
  assert.equal(await ask(balancer.port), 'two');
  assert.deepEqual(balancer.servers, [two.address, one.address]);
});

test('connections to a server that is no longer named are closed', async (t) => {
  const [one, two] = [await serve(t, 'one'), await serve(t, 'two')];
  const balancer = createLoadBalancer({ port: 0, servers: [one.address], log: silent });
  await balancer.start();
  t.after(() => balancer.stop());
  const held = connect({ host: '127.0.0.1', port: balancer.port });
  await once(held, 'data');
  balancer.setServers([two.address]);
  await once(held, 'close');
  assert.equal(await ask(balancer.port), 'two');
});

test('with no server at all the connection is closed, not left hanging', async (t) => {
  const one = await serve(t, 'one');
  await new Promise((resolve) => one.server.close(resolve));
  const balancer = createLoadBalancer({ port: 0, servers: [one.address], log: silent });
  await balancer.start();
  t.after(() => balancer.stop());
  assert.equal(await ask(balancer.port), '');
});
