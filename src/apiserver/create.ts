import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBootstrapObjects } from '../api/bootstrap-objects.ts';
import type { PolicyRule } from '../api/gen/rbac-v1.ts';
import { KnarrError } from '../base/errors.ts';
import { createAdmissionChain } from './admission/chain.ts';
import { admissionPlugins } from './admission/plugins.ts';
import { createAggregation } from './aggregation/aggregation.ts';
import { createAudit } from './audit/audit.ts';
import { createSinks } from './audit/sinks.ts';
import { assembleAuthentication } from './authn/assemble.ts';
import { createImpersonation } from './authn/impersonation/impersonation.ts';
import { tokenKey } from './authn/jwt.ts';
import { createAuthorizerChain } from './authz/chain.ts';
import { createNodeAuthorizer } from './authz/node.ts';
import { createNodeGraph, followGraph } from './authz/node-graph.ts';
import { createRbacAuthorizer, followPolicy } from './authz/rbac.ts';
import { createFirstObjects } from './bootstrap/first-objects.ts';
import { connectHandlers } from './connect/connect.ts';
import type { Upgrade } from './connect/relay.ts';
import { createCustomResources } from './crd/controller.ts';
import { conversionOf } from './crd/conversion.ts';
import { createDiscovery } from './discovery/discovery.ts';
import { createFlowControl } from './flow-control/flow-control.ts';
import { bindings } from './handlers/bindings.ts';
import type { Call } from './handlers/call.ts';
import { componentStatuses } from './handlers/component-status.ts';
import { createDispatch } from './handlers/dispatch.ts';
import { createHealth } from './handlers/health.ts';
import { accessReviews } from './handlers/reviews/access.ts';
import { authenticationReviews } from './handlers/reviews/authentication.ts';
import { createRoot } from './handlers/root.ts';
import type { SpecialHandlers } from './handlers/route.ts';
import { tokenRequest } from './handlers/token-request.ts';
import { createVirtualResources } from './handlers/virtual.ts';
import { createListener } from './http/listener.ts';
import { createMounts } from './http/mounts.ts';
import { createOpenWatches } from './http/open-watches.ts';
import { createPipeline } from './http/pipeline.ts';
import { createUpgradeHandler } from './http/upgrade.ts';
import { identityOf } from './identity.ts';
import { createInProcessTransport } from './in-process.ts';
import { createMetrics } from './metrics/all.ts';
import { createRequestMetrics } from './metrics/requests.ts';
import { renderServer } from './metrics/server.ts';
import type { Mirror } from './mirror.ts';
import { createOpenApi } from './openapi/openapi.ts';
import type { ApiServerOptions } from './options.ts';
import { createRegistry } from './registry/registry.ts';
import type { Registry } from './registry/types.ts';
import type { ApiServer } from './server.ts';
import { addStartChecks } from './start-checks.ts';

/** How long answers that run when the server stops may take to end. */
const drainMs = 5_000;

export interface KnarrApiServer extends ApiServer {
  /** New connections see the new serving certificate. */
  reloadServing(serving: ApiServerOptions['serving']): void;
}

/** The API server: authentication → authorization → dispatch → admission and registry → store. */
export function createApiServer(options: ApiServerOptions): KnarrApiServer {
  const { log, backend, serviceAccounts } = options;
  const counted = createMetrics(identityOf(hostname()));
  const rbac = createRbacAuthorizer();
  const graph = createNodeGraph();
  const nodeRules: PolicyRule[] = [];
  const authorizer = createAuthorizerChain({
    own: { Node: createNodeAuthorizer(graph, nodeRules), RBAC: rbac },
    settings: options.authorization,
    metrics: counted.authorizers,
    reloads: counted.authorizationReloads,
    log: log.child('authz'),
  });

  const impersonation = createImpersonation(authorizer);
  let registryReady: Registry | undefined;
  const admission = createAdmissionChain(
    admissionPlugins({
      authorizer,
      rbac,
      dial: options.dial,
      settings: options.admission,
      metrics: counted.admission,
      podSecurity: counted.podSecurity,
      log: log.child('admission'),
      context: {
        registry: () => {
          if (!registryReady) throw new Error('admission was asked before the registry was there');
          return registryReady;
        },
      },
    }),
    counted.admission,
  );
  const registry = createRegistry({
    backend: counted.store.measured(backend),
    admission,
    services: { cidrs: options.serviceCidrs, nodePorts: options.nodePortRange, metrics: counted.allocators },
    log: log.child('registry'),
  });
  registryReady = registry;

  const signingKey = tokenKey(serviceAccounts.signingKey);
  const tokenKeys = [signingKey, ...(serviceAccounts.verificationKeys ?? []).map(tokenKey)];
  const audiences = serviceAccounts.audiences ?? serviceAccounts.issuers;
  const issuer = serviceAccounts.issuers[0];
  if (issuer === undefined)
    throw new KnarrError({
      code: 'bad-options',
      blame: 'bug',
      message: 'the API server needs a service-account issuer',
    });
  const { authentication, configured } = assembleAuthentication({
    options,
    registry,
    keys: tokenKeys,
    audiences,
    metrics: counted,
    log: log.child('authn'),
  });

  const virtual = createVirtualResources();
  const health = createHealth();
  const metrics = createRequestMetrics();
  let stored: number | undefined;
  /** What the store took when it was last asked, which this asks it anew. */
  const storedBytes = (): number | undefined => {
    void backend.size().then(
      (size) => {
        stored = size;
      },
      () => {},
    );
    return stored;
  };
  const serverAddress = (): string => `${options.advertiseAddress}:${listener.port}`;
  const upgrades = new WeakMap<Call, Upgrade>();
  const aggregation = createAggregation({
    registry,
    dial: options.dial,
    client: options.proxyClient,
    upgradeOf: (call) => upgrades.get(call),
    changed: () => discovery.invalidate(),
    unreachable: (call) => metrics.terminated(call, 503, 'aggregator'),
    log: log.child('aggregation'),
  });
  const definitions = () => [...registry.definitions(), ...virtual.definitions];
  const discovery = createDiscovery({
    aggregatedGroups: () => aggregation.groups(),
    localGroups: () => aggregation.localGroups(),
    definitions,
    serverAddress,
  });
  registry.onChange(() => discovery.invalidate());
  const customResources = createCustomResources({
    registry,
    convertFor: (crd) => conversionOf(crd, { registry, dial: options.dial }),
    log: log.child('crd'),
  });
  const openapi = createOpenApi({
    definitions,
    additions: () => customResources.openApi(),
    aggregated: aggregation.openapi,
  });
  const flowControl = createFlowControl({
    registry,
    seats: options.requests?.inFlight,
    log: log.child('flow-control'),
  });
  const root = createRoot({
    discovery,
    health,
    metrics,
    openapi: (call) => openapi.answer(call),
    issuer,
    elsewhere: (call) => aggregation.answer(call),
    jwksUri: () => serviceAccounts.jwksUri ?? `https://${serverAddress()}/openid/v1/jwks`,
    tokenKeys,
    flowControl,
    flags: options.flags,
    moreMetrics: () =>
      renderServer({
        registry,
        apiServices: () => aggregation.availability(),
        storedBytes: storedBytes(),
        features: options.features ?? new Map(),
      }) +
      counted.render() +
      impersonation.renderMetrics() +
      (options.moreMetrics?.() ?? ''),
  });
  const dispatch = createDispatch({
    registry,
    virtual,
    authorizer: counted.identity.measured(authorizer),
    root,
    special: new Map<string, SpecialHandlers>([
      ...accessReviews(authorizer, rbac, authorizer.unresolved, admission),
      ...authenticationReviews(authentication, audiences, admission),
      ...connectHandlers({ registry, admission, dial: options.dial, kubelet: options.kubelet }, (call) =>
        upgrades.get(call),
      ),
      ...bindings(registry),
      ...componentStatuses([{ name: 'etcd-0', check: async () => void (await backend.currentRevision()) }]),
      ...tokenRequest({
        registry,
        admission,
        key: signingKey,
        issuer,
        audiences,
        maxExpirationSeconds: serviceAccounts.maxExpirationSeconds,
        extendExpiration: serviceAccounts.extendExpiration,
      }),
    ]),
    elsewhere: (call) => aggregation.answer(call),
  });
  const openWatches = createOpenWatches(counted.watches);
  const audit =
    options.audit &&
    createAudit({
      policyFile: options.audit.policyFile,
      metrics: counted.audit,
      warn: (text) => log.warn(text),
      sinks: createSinks(options.audit, log.child('audit')),
    });
  const pipeline = createPipeline({
    authentication,
    impersonation,
    dispatch,
    flowControl,
    metrics,
    identity: counted.identity,
    connections: counted.connections,
    store: counted.store,
    openWatches,
    audit,
    timeoutMs: options.requests?.timeoutMs,
    log,
  });
  const onUpgrade = createUpgradeHandler({
    authentication,
    authorizer,
    impersonation,
    dispatch,
    metrics,
    log,
    upgrades,
    openWatches,
    audit,
  });
  const mounts = createMounts();
  const listener = createListener({
    host: options.listen.host ?? '0.0.0.0',
    port: options.listen.port,
    serving: options.serving,
    clientCas: [options.clientCa, ...(options.requestHeader ? [options.requestHeader.ca] : [])],
    tls: options.tls,
    maxStreams: options.maxStreams,
    onHandshakeFailed: counted.connections.handshakeFailed,
    onExchange: (exchange) => {
      if (!mounts.serve(exchange)) pipeline(exchange);
    },
    onUpgrade: (request, socket, head) => {
      if (!mounts.upgrade(request, socket, head)) onUpgrade(request, socket, head);
    },
    log: log.child('http'),
  });

  const firstObjects = createFirstObjects({ ...options.firstObjects, log });
  let stopping = false;
  const mirrors: Mirror[] = [];
  health.add('ping', async () => {}, { live: true });
  health.add('log', async () => {}, { live: true });
  health.add('etcd', async () => void (await backend.currentRevision()), { live: true });
  health.add('etcd-readiness', async () => void (await backend.currentRevision()));
  health.add('informer-sync', async () => void (await registry.currentRevision()));
  const started = addStartChecks(health, () => firstObjects.unmade());
  health.add('shutdown', async () => {
    if (stopping) throw new Error('the server is shutting down');
  });

  return {
    name: 'apiserver',
    get port() {
      return listener.port;
    },
    transport: (user) => createInProcessTransport({ dispatch, user, component: user.name, log }),
    mount: (prefix, handler) => mounts.add(prefix, handler),
    addCheck: (name, check, checkOptions) => health.add(name, check, checkOptions),
    reloadServing: (serving) => listener.reload(serving),
    async start() {
      await audit?.start();
      await configured.start();
      await authorizer.start();
      await registry.start();
      const objects = await readBootstrapObjects();
      const nodeRole = objects.clusterroles.find((role) => role.metadata.name === 'system:node');
      nodeRules.push(...((nodeRole?.rules ?? []) as PolicyRule[]));
      mirrors.push(
        await followPolicy(rbac.policy, registry),
        await followGraph(counted.graph.measured(graph), registry),
      );
      started('caches');
      await customResources.start();
      started('customResources');
      await flowControl.start();
      started('flowControl');
      await listener.start();
      await firstObjects.start({
        registry,
        objects,
        clientCa: options.clientCa,
        requestHeader: options.requestHeader,
        serviceCidrs: options.serviceCidrs,
        kubernetesServiceIp: options.kubernetesServiceIp,
        advertiseAddress: options.advertiseAddress,
        port: options.advertisePort ?? listener.port,
      });
      await aggregation.start();
      started('aggregation');
      log.info('the API is served', { port: listener.port });
    },
    async stop() {
      stopping = true;
      firstObjects.stop();
      // Who balances load has this long to see that the server is not ready.
      if (options.shutdownDelayMs) await sleep(options.shutdownDelayMs);
      aggregation.stop();
      customResources.stop();
      flowControl.stop();
      for (const mirror of mirrors) mirror.stop();
      openWatches.endAll();
      await listener.stop(drainMs);
      await audit?.stop();
      await configured.stop();
      await authorizer.stop();
      await registry.stop();
    },
  };
}
