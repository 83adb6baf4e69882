import { convert } from '../../../api/convert.ts';
import type { Event } from '../../../api/gen/core-v1.ts';
import type { Draft, Frozen } from '../types.ts';
import type { Behaviour } from './map.ts';
import { readOf } from './of.ts';

type Involved = keyof NonNullable<Event['involvedObject']>;

const involved = (field: Involved) => (event: Frozen) => readOf<Event>(event).involvedObject?.[field] ?? '';
const names: readonly Involved[] = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

/** Both groups' names of the fields; what is stored are core events. */
const selectableFields = {
  ...Object.fromEntries(names.map((field) => [`involvedObject.${field}`, involved(field)])),
  ...Object.fromEntries(names.map((field) => [`regarding.${field}`, involved(field)])),
  reason: ['reason'],
  reportingComponent: ['reportingComponent'],
  reportingController: ['reportingComponent'],
  source: (event: Frozen) => readOf<Event>(event).source?.component || (readOf<Event>(event).reportingComponent ?? ''),
  type: ['type'],
};

const shared: Behaviour = {
  selectableFields,
  volatile: 'all',
  ttlSeconds: 3600,
  strategy: { createOnUpdate: true, defaultPropagation: 'Unsupported' },
};

export const coreEvents: Behaviour = shared;

/** The newer group shows the core group's events in its own shape. */
export const groupEvents: Behaviour = {
  ...shared,
  storedWith: { group: '', version: 'v1', resource: 'events' },
  convert: (object, to) => convert(object, to) as Draft,
};
