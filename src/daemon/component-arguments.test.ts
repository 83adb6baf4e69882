import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { apiServerSettings } from './apiserver-arguments.ts';
import { parseComponentArguments } from './component-arguments.ts';
import { controllerOverrides, schedulerArguments } from './control-plane-arguments.ts';
import { featureGateNotices } from './feature-gates.ts';
import { checkKernelDefaults } from './kernel-defaults.ts';
import { proxyOverrides } from './proxy-arguments.ts';

const args = parseComponentArguments;

test('arguments of the controllers become their settings', () => {
  const given = args([
    'node-monitor-grace-period=20s',
    'node-cidr-mask-size=26',
    'leader-elect=false',
    'controllers=*,-cronjob-controller,-ttl-after-finished',
    'terminated-pod-gc-threshold=10',
    'cluster-signing-duration=24h',
    'bind-address=127.0.0.1',
  ]);
  assert.deepEqual(controllerOverrides(given), {
    settings: {
      nodeMonitorGraceMs: 20_000,
      nodeMaskV4: 26,
      without: ['cronjob', 'ttl-after-finished'],
      finishedPodLimit: 10,
      signingSeconds: 86_400,
    },
    notices: [
      '--kube-controller-manager-arg=bind-address has no effect: it has no listener of its own; metrics and health are at the API server',
    ],
  });
});

test('arguments of the proxy become its settings; zero leaves connection tracking alone', () => {
  const given = args([
    'nodeport-addresses=10.0.0.0/8',
    'healthz-bind-address=[::1]:10300',
    'conntrack-max-per-core=0',
    'proxy-mode=nftables',
    'metrics-bind-address=0.0.0.0',
    'ipvs-scheduler=rr',
  ]);
  assert.deepEqual(proxyOverrides(given), {
    settings: { nodePortCidrs: ['10.0.0.0/8'], healthzAddress: '::1', healthzPort: 10300 },
    notices: [
      '--kube-proxy-arg=metrics-bind-address has no effect: the proxy has no metrics of its own',
      '--kube-proxy-arg=ipvs-scheduler has no effect: services are made of nftables rules',
    ],
  });
});

test('what a hardened cluster sets on its API server is taken', () => {
  const given = args([
    'audit-log-path=/logs/audit.log',
    'audit-policy-file=/etc/audit.yaml',
    'audit-log-maxage=30',
    'audit-log-maxbackup=10',
    'audit-log-maxsize=100',
    'request-timeout=300s',
    'service-account-lookup=true',
    'service-account-issuer=https://one.example',
    'service-account-issuer=https://two.example',
    'enable-admission-plugins=NodeRestriction,AlwaysPullImages',
    'tls-min-version=VersionTLS12',
    'tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256',
    'anonymous-auth=false',
    'max-requests-inflight=100',
    'profiling=false',
    'feature-gates=AllAlpha=false',
    'encryption-provider-config=/etc/encryption.yaml',
  ]);
  assert.deepEqual(apiServerSettings(given), {
    settings: {
      audit: {
        policyFile: '/etc/audit.yaml',
        log: { path: '/logs/audit.log', maxAgeDays: 30, maxBackups: 10, maxSizeMegabytes: 100, compress: false },
        webhook: undefined,
      },
      requests: { timeoutMs: 300_000, inFlight: 300 },
      serviceAccounts: { issuers: ['https://one.example', 'https://two.example'] },
      admission: { with: ['AlwaysPullImages'] },
      tls: {
        minVersion: 'TLSv1.2',
        ciphers:
          'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
      },
      allowAnonymous: false,
      encryption: { file: '/etc/encryption.yaml', follow: false },
    },
    notices: ['--kube-apiserver-arg=profiling has no effect: no profile is served; use node --inspect'],
  });
});

test('the old flags of OIDC are one issuer', () => {
  const { settings } = apiServerSettings(
    args([
      'oidc-issuer-url=https://issuer.example',
      'oidc-client-id=kubernetes',
      'oidc-groups-claim=groups',
      'oidc-required-claim=hd=example.com',
      'oidc-signing-algs=RS256,ES256',
    ]),
  );
  assert.deepEqual(settings.authentication, {
    oidc: {
      algorithms: ['RS256', 'ES256'],
      settings: {
        issuer: { url: 'https://issuer.example', audiences: ['kubernetes'] },
        claimMappings: {
          username: { claim: 'sub', prefix: 'https://issuer.example#' },
          groups: { claim: 'groups', prefix: '' },
        },
        claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }],
      },
    },
  });
});

test('modes of authorization are a row', () => {
  const { settings } = apiServerSettings(
    args([
      'authorization-mode=Node,Webhook,RBAC',
      'authorization-webhook-config-file=/hook',
      'authorization-webhook-version=v1',
      'authorization-webhook-cache-authorized-ttl=1m',
    ]),
  );
  const { authorizers } = settings.authorization as { authorizers: { type: string; webhook?: object }[] };
  assert.deepEqual(
    authorizers.map(({ type }) => type),
    ['Node', 'Webhook', 'RBAC'],
  );
  assert.deepEqual(authorizers[1]?.webhook, {
    kubeconfig: '/hook',
    version: 'v1',
    timeoutMs: 30_000,
    authorizedTtlMs: 60_000,
    unauthorizedTtlMs: 30_000,
    failurePolicy: 'NoOpinion',
    matchConditions: [],
  });
});

test('feature gates are known by name: their defaults are taken, others told to have no effect', () => {
  const notices = (...values: string[]) => featureGateNotices('kubelet-arg', values);
  assert.deepEqual(notices('KubeletInUserNamespace=false', 'NodeSwap=true,AllAlpha=false'), []);
  assert.equal(notices('AllBeta=false').length, 1);
  assert.deepEqual(notices('KubeletInUserNamespace=true'), [
    '--kubelet-arg=feature-gates=KubeletInUserNamespace=true has no effect: features are as the defaults of Kubernetes 1.36 have them, and KubeletInUserNamespace (Alpha) is off',
  ]);
  const rows: [string, RegExp][] = [
    ['NoSuchGate=true', /unrecognized feature gate: NoSuchGate$/],
    ['NodeSwap=false', /cannot set feature gate NodeSwap to false, feature is locked to true$/],
    ['NodeSwap', /missing bool value for NodeSwap$/],
    ['NodeSwap=yes', /invalid value of NodeSwap=yes, err: strconv.ParseBool: parsing "yes": invalid syntax$/],
  ];
  for (const [value, message] of rows) assert.throws(() => notices(value), message);
});

test('silence that would be a lie is refused by name', () => {
  const api = (...pairs: string[]) => apiServerSettings(args(pairs));
  const rows: [() => unknown, RegExp][] = [
    [
      () => controllerOverrides(args(['pod-eviction-timeout=1m'])),
      /pod-eviction-timeout is not supported: .*toleration/,
    ],
    [() => controllerOverrides(args(['controllers=*,-nothing'])), /there is no controller nothing/],
    [() => controllerOverrides(args(['node-cidr-mask-size=99'])), /99 is not between 8 and 30/],
    [() => schedulerArguments(args(['x=1'])), /--kube-scheduler-arg=x is not supported: it is not known here/],
    [() => proxyOverrides(args(['proxy-mode=userspace'])), /"userspace" is not nftables, iptables or ipvs/],
    [() => proxyOverrides(args(['ipvs-scheduler=lc'])), /endpoints take turns by chance/],
    [() => proxyOverrides(args(['conntrack-min=5'])), /set them by sysctl/],
    [() => api('constructor=x'), /--kube-apiserver-arg=constructor is not supported/],
    [() => api('etcd-servers=x'), /use --datastore-endpoint/],
    [() => api('runtime-config=batch/v1=false'), /no API can be switched off/],
    [() => api('enable-admission-plugins=Foo'), /there is no plug-in Foo/],
    [() => api('tls-cipher-suites=X'), /Cipher suite X not supported or doesn't exist/],
    [() => api('oidc-issuer-url=https://x'), /oidc-issuer-url and oidc-client-id must be specified together/],
    [
      () => api('authentication-config=/a', 'oidc-client-id=x'),
      /authentication-config file and oidc-\* flags are mutually exclusive/,
    ],
    [
      () => api('authorization-config=/a', 'authorization-mode=RBAC'),
      /--authorization-config can not be specified when --authorization-mode or --authorization-webhook-\* flags/,
    ],
    [() => api('authorization-mode=Foo'), /authorization-mode "Foo" is not a valid mode/],
    [
      () => api('service-account-issuer=a', 'service-account-issuer=a'),
      /service-account-issuer "a" is already specified/,
    ],
    [() => api('encryption-provider-config-automatic-reload=true'), /must be set with "--encryption-provider-config"/],
  ];
  for (const [read, message] of rows) assert.throws(read, message);
});

test('kernel settings that differ are named', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'knarr-sysctl-'));
  t.after(() => rm(root, { recursive: true }));
  const write = async (name: string, value: string): Promise<void> => {
    const path = join(root, name.replaceAll('.', '/'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${value}\n`);
  };
  for (const [name, value] of Object.entries({
    'vm.overcommit_memory': '1',
    'vm.panic_on_oom': '0',
    'kernel.panic': '10',
    'kernel.panic_on_oops': '1',
    'kernel.keys.root_maxkeys': '1000000',
    'kernel.keys.root_maxbytes': '25000000',
  }))
    await write(name, value);
  await checkKernelDefaults(root);
  await write('kernel.panic', '0');
  await rm(join(root, 'vm/panic_on_oom'));
  await assert.rejects(checkKernelDefaults(root), /vm\.panic_on_oom=0 \(is none\), kernel\.panic=10 \(is 0\)$/);
});
