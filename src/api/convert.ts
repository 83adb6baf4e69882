import { autoscalerToV1, autoscalerToV2 } from './conversions/autoscaler.ts';
import { eventFromCore, eventToCore } from './conversions/event.ts';
import { decodeValue } from './decode.ts';
import { apiVersionOf, type KubernetesObject } from './object.ts';
import { type GroupVersionKind, parseKind } from './schema.ts';

type Conversion = (object: Record<string, unknown>) => Record<string, unknown>;

/** By `from to` in `group/version/Kind` form. Kinds that are not here differ in name only. */
const conversions: Readonly<Record<string, Conversion>> = {
  '/v1/Event events.k8s.io/v1/Event': eventFromCore,
  'events.k8s.io/v1/Event /v1/Event': eventToCore,
  'autoscaling/v2/HorizontalPodAutoscaler autoscaling/v1/HorizontalPodAutoscaler': autoscalerToV1,
  'autoscaling/v1/HorizontalPodAutoscaler autoscaling/v2/HorizontalPodAutoscaler': autoscalerToV2,
};

const key = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}/${kind}`;

/**
 * The object in another version or group of the same kind (Event, HorizontalPodAutoscaler, …): a new object with
 * `apiVersion` and `kind` set; the given one is not changed. Kinds that only differ in name convert by relabelling and
 * share their parts with the given object; the others come back canonical and unshared.
 */
export function convert(object: KubernetesObject, to: GroupVersionKind): KubernetesObject {
  const from = parseKind(object.apiVersion ?? '', object.kind ?? to.kind);
  const conversion = conversions[`${key(from)} ${key(to)}`];
  if (!conversion) return { ...object, apiVersion: apiVersionOf(to), kind: to.kind };
  const converted = conversion(structuredClone(object) as unknown as Record<string, unknown>);
  return decodeValue(to, converted, { fieldValidation: 'Ignore' }).object;
}
