import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../gen/core-v1.ts';
import type { Event as EventsEvent } from '../gen/events-v1.ts';
import { podCells } from './pod.ts';
import {
  accessModesText,
  age,
  type Clock,
  containerCells,
  labelsText,
  limited,
  nameOf,
  none,
  type Printer,
  since,
  unknown,
  unset,
} from './text.ts';

const size = (map: object | undefined): number => (map ? Object.keys(map).length : 0);
const hostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function componentStatus({ metadata, conditions }: ComponentStatus): unknown[] {
  const healthy = conditions?.find((c) => c.type === 'Healthy');
  const status = healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
  return [metadata.name, status, healthy?.message ?? '', healthy?.error ?? ''];
}

function endpoints(object: Endpoints, clock: Clock): unknown[] {
  const texts: string[] = [];
  for (const { addresses = [], ports = [] } of object.subsets ?? []) {
    if (ports.length === 0) texts.push(...addresses.map((a) => a.ip));
    for (const port of ports) texts.push(...addresses.map((a) => hostPort(a.ip, port.port)));
  }
  return [nameOf(object), object.subsets?.length ? limited(texts, 3, '') : none, age(object, clock)];
}

interface EventLike {
  at: string | null | undefined;
  eventTime: string | null | undefined;
  last: string | null | undefined;
  series: { count?: number | undefined; lastObservedTime?: string | null | undefined } | undefined;
  count: number | undefined;
  regarding: { kind?: string | undefined; name?: string | undefined; fieldPath?: string | undefined } | undefined;
  source: { component?: string | undefined; host?: string | undefined } | undefined;
  controller: string | undefined;
  instance: string | undefined;
  message: string | undefined;
  type: string | undefined;
  reason: string | undefined;
}

function eventCells(name: string, e: EventLike, clock: Clock): unknown[] {
  const first = since(e.at || e.eventTime, clock);
  const last = e.series ? since(e.series.lastObservedTime, clock) : e.last ? since(e.last, clock) : first;
  const kind = (e.regarding?.kind ?? '').toLowerCase();
  const component = e.source?.component || e.controller || '';
  const host = e.source?.host || e.instance || '';
  return [
    last,
    e.type ?? '',
    e.reason ?? '',
    e.regarding?.name ? `${kind}/${e.regarding.name}` : kind,
    e.regarding?.fieldPath ?? '',
    host === '' ? component : `${component}, ${host}`,
    (e.message ?? '').trim(),
    first,
    e.series ? (e.series.count ?? 0) : e.count || 1,
    name,
  ];
}

const coreEvent = (e: Event, clock: Clock): unknown[] =>
  eventCells(
    nameOf(e),
    {
      at: e.firstTimestamp,
      eventTime: e.eventTime,
      last: e.lastTimestamp,
      series: e.series,
      count: e.count,
      regarding: e.involvedObject,
      source: e.source,
      controller: e.reportingComponent,
      instance: e.reportingInstance,
      message: e.message,
      type: e.type,
      reason: e.reason,
    },
    clock,
  );

const eventsEvent = (e: EventsEvent, clock: Clock): unknown[] =>
  eventCells(
    nameOf(e),
    {
      at: e.deprecatedFirstTimestamp,
      eventTime: e.eventTime,
      last: e.deprecatedLastTimestamp,
      series: e.series,
      count: e.deprecatedCount,
      regarding: e.regarding,
      source: e.deprecatedSource,
      controller: e.reportingController,
      instance: e.reportingInstance,
      message: e.note,
      type: e.type,
      reason: e.reason,
    },
    clock,
  );

const rolePrefix = 'node-role.kubernetes.io/';

function node(object: Node, clock: Clock): unknown[] {
  const { status, spec, metadata } = object;
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key !== rolePrefix) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  const info = status?.nodeInfo;
  const address = (type: string): string => status?.addresses?.find((a) => a.type === type)?.address ?? none;
  const kernel = info?.kernelVersion || unknown;
  return [
    nameOf(object),
    spec?.unschedulable ? `${state},SchedulingDisabled` : state,
    [...roles].sort().join(',') || none,
    age(object, clock),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info?.osImage || unknown,
    info?.architecture ? `${kernel} (${info.architecture})` : kernel,
    info?.containerRuntimeVersion || unknown,
  ];
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

function persistentVolume(object: PersistentVolume, clock: Clock): unknown[] {
  const { spec = {}, status = {}, metadata } = object;
  return [
    nameOf(object),
    spec.capacity?.storage ?? '0',
    accessModesText(spec.accessModes),
    spec.persistentVolumeReclaimPolicy ?? '',
    metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? ''),
    spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '',
    metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? '',
    spec.volumeAttributesClassName ?? unset,
    status.reason ?? '',
    age(object, clock),
    spec.volumeMode ?? unset,
  ];
}

function persistentVolumeClaim(object: PersistentVolumeClaim, clock: Clock): unknown[] {
  const { spec = {}, status = {}, metadata } = object;
  return [
    nameOf(object),
    metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? ''),
    spec.volumeName ?? '',
    spec.volumeName ? (status.capacity?.storage ?? '0') : '',
    spec.volumeName ? accessModesText(status.accessModes) : '',
    metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? '',
    spec.volumeAttributesClassName ?? unset,
    age(object, clock),
    spec.volumeMode ?? unset,
  ];
}

function replicationController(object: ReplicationController, clock: Clock): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(object, clock),
    ...containerCells(spec?.template?.spec?.containers),
    labelsText(spec?.selector),
  ];
}

function resourceQuota(object: ResourceQuota, clock: Clock): unknown[] {
  const { hard = {}, used = {} } = object.status ?? {};
  const text = (names: string[]): string => names.map((n) => `${n}: ${used[n] ?? '0'}/${hard[n]}`).join(', ');
  const names = Object.keys(hard).sort();
  const isLimit = (name: string): boolean => name.startsWith('limits.');
  return [nameOf(object), text(names.filter((n) => !isLimit(n))), text(names.filter(isLimit)), age(object, clock)];
}

function service(object: Service, clock: Clock): unknown[] {
  const { spec = {} } = object;
  const ports = (spec.ports ?? []).map((p) =>
    p.nodePort ? `${p.port}:${p.nodePort}/${p.protocol}` : `${p.port}/${p.protocol}`,
  );
  return [
    nameOf(object),
    spec.type ?? '',
    spec.clusterIPs?.[0] ?? none,
    externalAddress(object),
    ports.join(',') || none,
    age(object, clock),
    labelsText(spec.selector),
  ];
}

function externalAddress({ spec = {}, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || none;
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || '').filter((t) => t !== '');
      return [...[...new Set(given)].sort(), ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return unknown;
  }
}

export const corePrinters: Readonly<Record<string, Printer>> = {
  '/componentstatuses': componentStatus,
  '/configmaps': (o: ConfigMap, clock: Clock) => [nameOf(o), size(o.data) + size(o.binaryData), age(o, clock)],
  '/endpoints': endpoints,
  '/events': coreEvent,
  'events.k8s.io/events': eventsEvent,
  '/namespaces': (o: Namespace, clock: Clock) => [nameOf(o), o.status?.phase ?? '', age(o, clock)],
  '/nodes': node,
  '/persistentvolumeclaims': persistentVolumeClaim,
  '/persistentvolumes': persistentVolume,
  '/pods': podCells,
  '/podtemplates': (o: PodTemplate) => [
    nameOf(o),
    ...containerCells(o.template?.spec?.containers),
    labelsText(o.template?.metadata?.labels),
  ],
  '/replicationcontrollers': replicationController,
  '/resourcequotas': resourceQuota,
  '/secrets': (o: Secret, clock: Clock) => [nameOf(o), o.type ?? '', size(o.data), age(o, clock)],
  '/serviceaccounts': (o: ServiceAccount, clock: Clock) => [nameOf(o), age(o, clock)],
  '/services': service,
};
