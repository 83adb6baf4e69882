/** The fields of an event that have another name in `events.k8s.io`: core name, then the other. */
const names: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

const toEvents = new Map(names);
const toCore = new Map(names.map(([core, events]) => [events, core]));

type Struct = Record<string, unknown>;

const renamed = (object: Struct, by: ReadonlyMap<string, string>): Struct =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [by.get(key) ?? key, value]));

export const eventToCore = (object: Struct): Struct => renamed(object, toCore);
export const eventFromCore = (object: Struct): Struct => renamed(object, toEvents);
