import type { Deployment } from './gen/apps-v1.ts';
import type { CronJob, Job } from './gen/batch-v1.ts';
import type { Container, Node, Pod, PodSpec, PodTemplateSpec, Service } from './gen/core-v1.ts';
import { isDns1123Label } from './names.ts';
import type { KubernetesObject } from './object.ts';
import type { GroupVersionKind } from './schema.ts';

type Warn = (object: never, say: (text: string) => void) => void;

/** Names that hosts will get have to be DNS labels to be of use. */
function hostName(object: KubernetesObject, use: string, say: (text: string) => void): void {
  const wrong = isDns1123Label(object.metadata.name ?? '');
  if (object.metadata.name === undefined || wrong.length === 0) return;
  const why = 'which can result in surprising behavior; a DNS label is recommended';
  say(`metadata.name: this is used in ${use}, ${why}: [${wrong.join(' ')}]`);
}

function podSpec(path: string, spec: PodSpec | undefined, say: (text: string) => void): void {
  if (!spec) return;
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const at = `${path}.terminationGracePeriodSeconds`;
    say(`${at}: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) containerOf(`${path}.${list}[${i}]`, container, say);
  }
}

function containerOf(path: string, container: Container, say: (text: string) => void): void {
  const names = new Map<string, number>();
  for (const [i, { name }] of (container.env ?? []).entries()) {
    if (names.has(name)) {
      say(
        `${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      );
    }
    names.set(name, i);
  }
  for (const [i, port] of (container.ports ?? []).entries()) {
    if (!port.hostIP || port.hostPort) continue;
    const fields = [
      `Name:${port.name ?? ''}`,
      'HostPort:0',
      `ContainerPort:${port.containerPort}`,
      `Protocol:${port.protocol ?? ''}`,
      `HostIP:${port.hostIP}`,
    ];
    say(`${path}.ports[${i}]: hostIP set without hostPort: {${fields.join(' ')}}`);
  }
}

const podTemplate = (path: string, template: PodTemplateSpec | undefined, say: (text: string) => void): void =>
  podSpec(`${path}.spec`, template?.spec, say);

/** Workloads whose pods are called after them. */
const namedAfter: Warn = (object: Deployment, say) => {
  hostName(object, 'Pod names and hostnames', say);
  podTemplate('spec.template', object.spec?.template, say);
};

const kinds: Readonly<Record<string, Warn>> = {
  '/Pod': (pod: Pod, say) => {
    hostName(pod, "the Pod's hostname", say);
    podSpec('spec', pod.spec, say);
  },
  '/PodTemplate': (object: { template?: PodTemplateSpec }, say) => podTemplate('template', object.template, say),
  '/ReplicationController': namedAfter,
  '/Node': (node: Node, say) => {
    if (node.spec?.configSource) say('spec.configSource: the feature is removed');
    if (node.spec?.externalID) say('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  },
  '/Service': ({ spec }: Service, say) => {
    if (spec?.externalName && spec.type !== 'ExternalName') {
      say('spec.externalName is ignored when spec.type is not "ExternalName"');
    }
  },
  'apps/DaemonSet': (object: Deployment, say) => podTemplate('spec.template', object.spec?.template, say),
  'apps/Deployment': namedAfter,
  'apps/ReplicaSet': namedAfter,
  'apps/StatefulSet': (object: Deployment, say) => {
    podTemplate('spec.template', object.spec?.template, say);
    if ((object.spec?.revisionHistoryLimit ?? 0) < 0) {
      say('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended');
    }
  },
  'batch/CronJob': (job: CronJob, say) => {
    hostName(job, 'Pod names and hostnames', say);
    podTemplate('spec.jobTemplate.spec.template', job.spec?.jobTemplate.spec?.template, say);
  },
  'batch/Job': (job: Job, say) => {
    hostName(job, 'Pod names and hostnames', say);
    podTemplate('spec.template', job.spec?.template, say);
  },
};

/** Texts for `Warning` headers about deprecated or useless fields of a created or changed object. */
export function deprecationWarnings(gvk: GroupVersionKind, object: KubernetesObject, old?: KubernetesObject): string[] {
  const warn = kinds[`${gvk.group}/${gvk.kind}`];
  if (!warn) return [];
  const texts: string[] = [];
  warn(object as never, (text) => texts.push(text));
  // A change is only told what is new with it, and not what cannot change: the name.
  if (!old || texts.length === 0) return texts;
  const known = new Set<string>();
  warn(old as never, (text) => known.add(text));
  return texts.filter((text) => !known.has(text));
}
