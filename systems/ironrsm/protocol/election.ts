/** Views and suspicion (README.md, "heartbeat", "checkViewTimeout", "checkSuspicions"; IronFleet, SOSP 2015, section 5.1.2). */
import type { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add, successor } from '../../../src/spec/nat.js';
import { Ord } from '../../../src/spec/prelude.js';
import { type Ballot, ballotOrd, type Message, type Request } from '../messages.js';
import { type Constants, type Election, quorumOf, type Replica } from './state.js';

type Requests = PersistentMap<EndPoint, Request>;

/** Both tables in one; of one client the higher seqno stays. */
export const merged = (into: Requests, from: Requests): Requests => {
  if (from.size === 0) return into;
  return into.withMutations((draft) => {
    for (const [client, r] of from) if ((draft.get(client)?.seqno ?? -1) < r.seqno) draft.set(client, r);
  });
};

/** Remembers a request until it is executed. */
export const recorded = (e: Election, r: Request): Election => {
  const known = Math.max(e.waiting.get(r.client)?.seqno ?? -1, e.fresh.get(r.client)?.seqno ?? -1);
  return known >= r.seqno ? e : { ...e, fresh: e.fresh.set(r.client, r) };
};

/** Forgets what was executed: of each client, every request with a seqno at or below. */
export const forgetting = (e: Election, executed: Iterable<readonly [EndPoint, number]>): Election => {
  let { fresh, waiting } = e;
  for (const [client, seqno] of executed) {
    if ((fresh.get(client)?.seqno ?? Infinity) <= seqno) fresh = fresh.delete(client);
    if ((waiting.get(client)?.seqno ?? Infinity) <= seqno) waiting = waiting.delete(client);
  }
  return fresh === e.fresh && waiting === e.waiting ? e : { ...e, fresh, waiting };
};

const epochStarted = (e: Election, now: number): Election => ({
  ...e,
  epochEndMs: add(now, e.epochLengthMs),
  waiting: merged(e.waiting, e.fresh),
  fresh: e.fresh.withMutations((draft) => {
    for (const client of e.fresh.keys()) draft.delete(client);
  }),
});

const inView = (c: Constants, e: Election, view: Ballot, suspectors: readonly number[], now: number): Election => {
  const epochLengthMs = Math.min(2 * e.epochLengthMs, c.configuration.parameters.viewTimeoutMsMax);
  return epochStarted({ ...e, view, suspectors, epochLengthMs }, now);
};

const withSuspector = (e: Election, index: number): Election =>
  e.suspectors.includes(index) ? e : { ...e, suspectors: [...e.suspectors, index].sort((a, b) => a - b) };

const soonHeartbeat = (s: Replica, election: Election, now: number): Replica => ({
  ...s,
  election,
  timers: { ...s.timers, nextHeartbeatMs: now },
});

export const processHeartbeat = (s: Replica, sender: number, m: Message<'heartbeat'>, now: number): Replica => {
  const { checkpoints } = s.acceptor;
  const behind = (checkpoints[sender] ?? 0) < m.opsComplete;
  const acceptor = behind ? { ...s.acceptor, checkpoints: checkpoints.with(sender, m.opsComplete) } : s.acceptor;
  const seen = { ...s, acceptor };
  const e = s.election;
  const order = ballotOrd.compare(m.view, e.view);
  if (order < 0) return seen;
  if (order === 0) return m.suspicious ? { ...seen, election: withSuspector(e, sender) } : seen;
  return soonHeartbeat(seen, inView(s.constants, e, m.view, m.suspicious ? [sender] : [], now), now);
};

/** The view after `view`: the next proposer, and after the last one the next seqno. */
export const viewAfter = (replicas: number, view: Ballot): Ballot =>
  view.proposer + 1 < replicas
    ? { seqno: view.seqno, proposer: view.proposer + 1 }
    : { seqno: successor(view.seqno), proposer: 0 };

/** `undefined` before the epoch's end. */
export const viewTimeoutChecked = (s: Replica, now: number): Replica | undefined => {
  const e = s.election;
  if (now < e.epochEndMs) return undefined;
  if (e.waiting.size === 0) {
    const epochLengthMs = s.constants.configuration.parameters.viewTimeoutMs;
    return { ...s, election: epochStarted({ ...e, epochLengthMs }, now) };
  }
  return soonHeartbeat(s, epochStarted(withSuspector(e, s.constants.index), now), now);
};

/** `undefined` without a quorum of suspicions. */
export const suspicionsChecked = (s: Replica, now: number): Replica | undefined => {
  const e = s.election;
  if (e.suspectors.length < quorumOf(s.constants)) return undefined;
  const view = viewAfter(s.constants.configuration.replicas.length, e.view);
  return soonHeartbeat(s, inView(s.constants, e, view, [], now), now);
};

/** Whether `a` lies before `b`. */
export const ballotBefore = Ord.lt(ballotOrd);
