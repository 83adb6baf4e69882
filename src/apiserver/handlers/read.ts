import { badRequest } from '../../api/status.ts';
import type { StoreHandler } from './call.ts';
import { booleanOf, integerOf, textOf } from './options.ts';

export const getObject: StoreHandler = async (call, store) => {
  const { info, query } = call;
  if (booleanOf(query, 'export'))
    throw badRequest('the export parameter, deprecated since v1.14, is no longer supported');
  const options =
    query.size === 0 && info.subresource === ''
      ? undefined
      : { resourceVersion: textOf(query, 'resourceVersion'), subresource: info.subresource || undefined };
  const stored = await store.get({ namespace: info.namespace, name: info.name }, options);
  return { kind: 'stored', status: 200, stored, store };
};

/** A field selector that keeps the path's name, where a list or watch names one object. */
function fieldSelectorOf(call: Parameters<StoreHandler>[0]): string | undefined {
  const asked = textOf(call.query, 'fieldSelector');
  const named = call.info.watchByPath && call.info.name !== '' ? `metadata.name=${call.info.name}` : undefined;
  return [asked, named].filter(Boolean).join(',') || undefined;
}

export const listObjects: StoreHandler = async (call, store) => {
  const { info, query } = call;
  const namespace = store.definition.namespaced ? info.namespace : '';
  if (query.size === 0) return { kind: 'list', result: await store.list({ namespace }), store };
  const limit = integerOf(query, 'limit');
  integerOf(query, 'timeoutSeconds');
  const result = await store.list({
    namespace,
    labelSelector: textOf(query, 'labelSelector'),
    fieldSelector: fieldSelectorOf(call),
    limit: limit !== undefined && limit > 0 ? limit : undefined,
    continue: textOf(query, 'continue') || undefined,
    resourceVersion: textOf(query, 'resourceVersion'),
    resourceVersionMatch: textOf(query, 'resourceVersionMatch') || undefined,
    sendInitialEvents: booleanOf(query, 'sendInitialEvents'),
  });
  return { kind: 'list', result, store };
};

/** Watches that name no time-out end by themselves after half an hour to an hour, so that clients spread over servers. */
const defaultWatchMs = (): number => Math.round(1_800_000 * (1 + Math.random()));

export const watchObjects: StoreHandler = (call, store) => {
  const { info, query } = call;
  const seconds = integerOf(query, 'timeoutSeconds');
  integerOf(query, 'limit');
  const sendInitialEvents = booleanOf(query, 'sendInitialEvents');
  const resourceVersionMatch = textOf(query, 'resourceVersionMatch') || undefined;
  return {
    kind: 'watch',
    store,
    timeoutMs: seconds !== undefined && seconds > 0 ? seconds * 1000 : defaultWatchMs(),
    options: {
      namespace: store.definition.namespaced ? info.namespace : '',
      labelSelector: textOf(query, 'labelSelector'),
      fieldSelector: fieldSelectorOf(call),
      resourceVersion: textOf(query, 'resourceVersion'),
      resourceVersionMatch,
      continue: textOf(query, 'continue') || undefined,
      allowWatchBookmarks: booleanOf(query, 'allowWatchBookmarks'),
      sendInitialEvents,
    },
  };
};
