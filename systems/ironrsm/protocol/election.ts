/** Views and suspicion (README.md, "heartbeat", "checkViewTimeout", "checkSuspicions"; IronFleet, SOSP 2015, section 5.1.2). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { add, successor } from '../../../src/spec/nat.js';
import { Ord } from '../../../src/spec/prelude.js';
import { type Ballot, ballotOrd, type Message, type Request } from '../messages.js';
import { doneOf, slotOf } from './machine.js';
import { type Constants, type Election, quorumOf, type Replica, type RequestKey, type Transfer } from './state.js';

type Requests = PersistentMap<RequestKey, Request>;

/** Whether `a` lies before `b`. */
export const ballotBefore = Ord.lt(ballotOrd);

/** The name under which a replica holds a request. */
export const keyOf = (r: Request, window: number): RequestKey =>
  r.tag === 'open' ? `${r.client}#${r.nonce}` : slotOf(r.session, r.seqno, window);

const windowOf = (s: Replica): number => s.constants.configuration.parameters.sessionWindow;

/** Both tables in one; of one key the request of `from` stays. */
export const merged = (into: Requests, from: Requests): Requests => {
  if (from.size === 0) return into;
  return into.withMutations((draft) => {
    for (const [key, r] of from) draft.set(key, r);
  });
};

/** Whether `held` is this request, or a later one of its key. */
const covers = (held: Request | undefined, r: Request): boolean =>
  held !== undefined && (r.tag === 'open' || (held.tag === 'execute' && held.seqno >= r.seqno));

/** Whether a replica holds the request, or will not: it holds as many as it may. */
export const heldOrFull = ({ election: e, constants }: Replica, key: RequestKey, r: Request): boolean =>
  covers(e.fresh.get(key), r) ||
  covers(e.waiting.get(key), r) ||
  e.fresh.size + e.waiting.size >= constants.configuration.parameters.requestsHeldMax;

/** Forgets the requests of an executed batch, whatever became of them. */
export const forgetting = (e: Election, executed: readonly Request[], window: number): Election => {
  const without = (table: Requests): Requests => {
    if (table.size === 0) return table;
    return table.withMutations((draft) => {
      for (const r of executed) {
        const key = keyOf(r, window);
        const held = draft.get(key);
        if (held !== undefined && !(held.tag === 'execute' && r.tag === 'execute' && held.seqno > r.seqno))
          draft.delete(key);
      }
    });
  };
  const fresh = without(e.fresh);
  const waiting = without(e.waiting);
  return fresh === e.fresh && waiting === e.waiting ? e : { ...e, fresh, waiting };
};

/** Those requests that this replica may yet execute. */
const owed = (s: Replica, table: Requests): Requests => {
  if (table.size === 0) return table;
  const { sessions } = s.executor.machine;
  const window = windowOf(s);
  return table.withMutations((draft) => {
    for (const [key, r] of table) {
      if (r.tag === 'open') continue;
      const session = sessions.live.get(r.session);
      const settled = session === undefined || r.seqno < session.floor;
      if (settled || doneOf(sessions, r.session, r.seqno, window) !== undefined) draft.delete(key);
    }
  });
};

/** Forgets what can no longer be executed, in both tables. */
export const owedOnly = (s: Replica): Election => ({
  ...s.election,
  fresh: owed(s, s.election.fresh),
  waiting: owed(s, s.election.waiting),
});

const epochStarted = (e: Election, now: number): Election => ({
  ...e,
  epochEndMs: add(now, e.epochLengthMs),
  waiting: merged(e.waiting, e.fresh),
  fresh: PersistentMap.empty(),
});

const inView = (c: Constants, e: Election, view: Ballot, suspectors: readonly number[], now: number): Election => {
  const epochLengthMs = Math.min(2 * e.epochLengthMs, c.configuration.parameters.viewTimeoutMsMax);
  return epochStarted({ ...e, view, suspectors, epochLengthMs }, now);
};

const suspecting = (e: Election, index: number, suspicious: boolean): Election => {
  if (e.suspectors.includes(index) === suspicious) return e;
  const others = e.suspectors.filter((i) => i !== index);
  return { ...e, suspectors: suspicious ? [...others, index].sort((a, b) => a - b) : others };
};

const soonHeartbeat = (s: Replica, election: Election, now: number): Replica => ({
  ...s,
  election,
  timers: { ...s.timers, nextHeartbeatMs: now },
});

const withoutOutbound = (t: Transfer, index: number): Transfer => ({
  ...t,
  outbound: t.outbound.delete(index),
  outboundApps: t.outboundApps.delete(index),
});

/** What a heartbeat says of its sender's position. */
const positionSeen = (s: Replica, sender: number, opsComplete: number): Replica => {
  const { checkpoints } = s.acceptor;
  const behind = (checkpoints[sender] ?? 0) < opsComplete;
  const outbound = s.transfer.outbound.get(sender);
  const arrived = outbound !== undefined && outbound.opn <= opsComplete;
  if (!behind && !arrived) return s;
  return {
    ...s,
    acceptor: behind ? { ...s.acceptor, checkpoints: checkpoints.with(sender, opsComplete) } : s.acceptor,
    transfer: arrived ? withoutOutbound(s.transfer, sender) : s.transfer,
  };
};

export const processHeartbeat = (s: Replica, sender: number, m: Message<'heartbeat'>, now: number): Replica => {
  const seen = positionSeen(s, sender, m.opsComplete);
  const e = s.election;
  const order = ballotOrd.compare(m.view, e.view);
  if (order < 0) return seen;
  if (order === 0) return { ...seen, election: suspecting(e, sender, m.suspicious) };
  return soonHeartbeat(seen, inView(s.constants, e, m.view, m.suspicious ? [sender] : [], now), now);
};

/** The view after `view`: the next proposer, and after the last one the next seqno. */
export const viewAfter = (replicas: number, view: Ballot): Ballot =>
  view.proposer + 1 < replicas
    ? { seqno: view.seqno, proposer: view.proposer + 1 }
    : { seqno: successor(view.seqno), proposer: 0 };

/** States that nobody asked for during an epoch are given up. */
const outboundAged = (s: Replica): Replica => {
  let { transfer } = s;
  for (const [index, o] of s.transfer.outbound) {
    transfer = o.fresh
      ? { ...transfer, outbound: transfer.outbound.set(index, { ...o, fresh: false }) }
      : withoutOutbound(transfer, index);
  }
  return transfer === s.transfer ? s : { ...s, transfer };
};

/** `undefined` before the epoch's end. */
export const viewTimeoutChecked = (before: Replica, now: number): Replica | undefined => {
  if (now < before.election.epochEndMs) return undefined;
  const s = outboundAged(before);
  const me = s.constants.index;
  const e: Election = { ...s.election, waiting: owed(s, s.election.waiting) };
  if (e.waiting.size === 0) {
    const epochLengthMs = s.constants.configuration.parameters.viewTimeoutMs;
    return { ...s, election: epochStarted({ ...suspecting(e, me, false), epochLengthMs }, now) };
  }
  return soonHeartbeat(s, epochStarted(suspecting(e, me, true), now), now);
};

/** `undefined` without a quorum of suspicions. */
export const suspicionsChecked = (s: Replica, now: number): Replica | undefined => {
  const e = s.election;
  if (e.suspectors.length < quorumOf(s.constants)) return undefined;
  const view = viewAfter(s.constants.configuration.replicas.length, e.view);
  return soonHeartbeat(s, inView(s.constants, e, view, [], now), now);
};
