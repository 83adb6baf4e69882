import type { Authorizer, Decision } from '../authz/authorizer.ts';
import { type Counters, createCounters } from './counter.ts';
import { createHistograms, type Histograms, type Series, usualBounds } from './histogram.ts';

/** Times are in milliseconds. */
type Told = (ms: number) => void;

const doubling = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** Names that stand for parts of the cluster; others are told of by their kind alone. */
const knownNames = new Set(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default']);

const kindOf = (name: string): string => (knownNames.has(name) ? name : name.includes('@') ? 'email_id' : 'other');

/** Who asked, who could not say, and what they were allowed, under upstream's names. Times are in milliseconds. */
export function createIdentityMetrics() {
  const attempts = createCounters({
    name: 'authentication_attempts',
    help: 'Who could and could not prove who he is.',
    labels: ['result'],
  });
  const times = createHistograms({
    name: 'authentication_duration_seconds',
    help: 'Time to find out who asks.',
    labels: ['result'],
    bounds: doubling,
  });
  const users = createCounters({
    name: 'authenticated_user_requests',
    help: 'Requests by kind of user.',
    labels: ['username'],
  });
  const tokens = createCounters({
    name: 'authentication_token_cache_request_total',
    help: 'Bearer tokens that were known already, and that were not.',
    labels: ['status'],
  });
  const tokenTimes = createHistograms({
    name: 'authentication_token_cache_request_duration_seconds',
    help: 'Time to look at a bearer token.',
    labels: ['status'],
    bounds: usualBounds,
  });
  const fetches = createCounters({
    name: 'authentication_token_cache_fetch_total',
    help: 'Bearer tokens that were looked into.',
    labels: ['status'],
  });
  const decisions = createCounters({
    name: 'authorization_attempts_total',
    help: 'Decisions about requests.',
    labels: ['result'],
  });
  const decisionTimes = createHistograms({
    name: 'authorization_duration_seconds',
    help: 'Time to decide about a request.',
    labels: ['result'],
    bounds: doubling,
  });
  const filters = createHistograms({
    name: 'apiserver_request_filter_duration_seconds',
    help: 'Time that requests spend with each of those who may turn them away.',
    labels: ['filter'],
    bounds: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 5, 10, 15, 30],
  });
  const filter = (name: string): Told => {
    let series: Series | undefined;
    return (ms) => {
      series ??= filters.of(name);
      series.observe(ms / 1000);
    };
  };
  const filtered = {
    authentication: filter('authentication'),
    authorization: filter('authorization'),
    impersonation: filter('impersonation'),
    priorityandfairness: filter('priorityandfairness'),
  };
  const resultOf = ({ allowed, denied, error }: Decision): string =>
    allowed ? 'allowed' : denied ? 'denied' : error === undefined ? 'no-opinion' : 'error';

  // What is counted for every request is found once.
  const outcome = (counters: Counters, histograms: Histograms, label: string) => {
    const count = counters.counting(label);
    let time: Series | undefined;
    return (ms: number): void => {
      count();
      time ??= histograms.of(label);
      time.observe(ms / 1000);
    };
  };
  const [recognized, unknown] = ['success', 'error'].map((label) => outcome(attempts, times, label)) as [Told, Told];
  const [hit, miss] = ['hit', 'miss'].map((label) => outcome(tokens, tokenTimes, label)) as [Told, Told];
  const byResult = new Map(
    ['allowed', 'denied', 'no-opinion', 'error'].map((label) => [label, outcome(decisions, decisionTimes, label)]),
  );
  const other = users.counting('other');

  return {
    filtered,
    /** `name`: undefined where nobody could be recognized. */
    authenticated(name: string | undefined, ms: number): void {
      filtered.authentication(ms);
      if (name === undefined) {
        unknown(ms);
        return;
      }
      recognized(ms);
      const kind = kindOf(name);
      if (kind === 'other') other();
      else users.count(kind);
    },
    token: (known: boolean, ms: number): void => (known ? hit : miss)(ms),
    fetched: (good: boolean): void => fetches.count(good ? 'ok' : 'error'),
    /** The same authorizer, its decisions counted. */
    measured(authorizer: Authorizer): Authorizer {
      const note = (decision: Decision, began: number): Decision => {
        const ms = performance.now() - began;
        filtered.authorization(ms);
        byResult.get(resultOf(decision))?.(ms);
        return decision;
      };
      return {
        authorize(user, attributes) {
          const began = performance.now();
          const decision = authorizer.authorize(user, attributes);
          return decision instanceof Promise ? decision.then((known) => note(known, began)) : note(decision, began);
        },
      };
    },
    render: (): string =>
      [attempts, times, users, tokens, tokenTimes, fetches, decisions, decisionTimes, filters]
        .map((family) => family.render())
        .join(''),
  };
}

export type IdentityMetrics = ReturnType<typeof createIdentityMetrics>;
