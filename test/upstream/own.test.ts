import { after, before, describe } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createHttpTransport, type HttpTransport } from '../../src/client/http-transport.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { type OwnServer, startOwnServer } from '../bench/own-server.ts';
import { type HollowNodes, startHollowNodes } from './hollow-nodes.ts';
import { testCases } from './test-cases.ts';

describe('our controllers and scheduler do what upstream’s do', () => {
  let server: OwnServer | undefined;
  let transport: HttpTransport | undefined;
  let hollow: HollowNodes | undefined;
  let client: Client;

  before(async () => {
    server = await startOwnServer('--disable=servicelb');
    transport = createHttpTransport(await loadKubeconfig(server.kubeconfig));
    client = createClient(transport);
    hollow = await startHollowNodes(client);
  });

  after(async () => {
    await hollow?.stop();
    transport?.close();
    await server?.stop();
  });

  testCases(() => client);
});
