/** What hosts know of sessions and of executed writes (README.md, "A write is executed once"). */
import { type Evidence, ofHistory } from '../../../src/refinement/cluster.js';
import { equalValues } from '../../../src/refinement/values.js';
import type { Execution, KvCluster, KvHistory } from '../history.js';
import { type Body, type Knowledge, type KvMessage, textOfSession } from '../messages.js';
import type { HostState, SessionEntry } from '../protocol.js';
import {
  bodiesBetween,
  expiredBy,
  type HostChange,
  type InFlight,
  type Invariant,
  inFlight,
  inFlightBetween,
  inRange,
  invariant,
  newlyAccepted,
  newlySent,
  owns,
  type Range,
  rangeOf,
  statesOf,
  toldIn,
} from './form.js';

/** Whether what is told of a session says that the write was executed. */
const tells = ({ floor, records }: Omit<Knowledge, 'session' | 'next'>, seqno: number): boolean =>
  floor > seqno || records.some((r) => r.seqno === seqno);

const knownBy = ({ sessions, horizons }: HostState, { session, number, seqno }: Execution): boolean => {
  const entry = sessions.get(session);
  return expiredBy(horizons, number) || (entry !== undefined && tells(entry, seqno));
};

// What an announcement says of horizons each later delegate says too.
const toldBy = (body: Body, { session, number, seqno }: Execution): boolean =>
  (body.tag !== 'announce' && expiredBy(body.horizons, number)) ||
  toldIn(body).some((k) => textOfSession(k.session) === session && tells(k, seqno));

/** Whether the recipient of a body will know the write once it has accepted the stream up to that body. */
const knownOnArrival = (cluster: KvCluster, { from, to, seqno }: InFlight, execution: Execution): boolean => {
  const recipient = statesOf(cluster)[to] as HostState;
  if (knownBy(recipient, execution)) return true;
  const received = recipient.peers.get(from)?.received ?? 0;
  for (const { body } of bodiesBetween(cluster, from, to, received, seqno)) if (toldBy(body, execution)) return true;
  return false;
};

const unknownTo = (place: string, { session, seqno, key }: Execution): Evidence => ({ place, session, seqno, key });

/** What is wrong with an execution wherever its key is claimed. */
const executionDefect = (cluster: KvCluster, execution: Execution): Evidence => {
  for (const state of statesOf(cluster)) {
    if (owns(state, execution.key) && !knownBy(state, execution))
      return unknownTo(`host ${state.constants.index}`, execution);
  }
  for (const flight of inFlight(cluster)) {
    const range = rangeOf(flight.body);
    if (range !== undefined && inRange(execution.key, range) && !knownOnArrival(cluster, flight, execution))
      return unknownTo(`in flight from ${flight.from} to ${flight.to}, ${flight.seqno}`, execution);
  }
  return undefined;
};

function* executionsIn({ history }: KvCluster, range: Range): Iterable<Execution> {
  for (const [key, executions] of history.executionsOf) if (inRange(key, range)) yield* executions.values();
}

function* executionsOfSession({ history }: KvCluster, session: string): Iterable<Execution> {
  for (const executions of history.executions.get(session)?.values() ?? []) yield* executions;
}

/** Whether who knows `is` of a session knows each of its writes that `was` tells. Records ascend. */
const tellsAll = (is: SessionEntry, was: SessionEntry): boolean => {
  let at = 0;
  const isTold = (seqno: number): boolean => {
    while ((is.records[at]?.seqno ?? seqno) < seqno) at++;
    return is.records[at]?.seqno === seqno;
  };
  return is.floor >= was.floor && was.records.every(({ seqno }) => seqno < is.floor || isTold(seqno));
};

/** The executed writes of which the host that stepped might know less than before. */
function* perhapsForgotten(cluster: KvCluster, { before, after }: HostChange): Iterable<Execution> {
  for (const session of after.sessions.diff(before.sessions)) {
    const [was, is] = [before.sessions.get(session), after.sessions.get(session)];
    if (was === undefined || (is !== undefined && tellsAll(is, was))) continue;
    if (!expiredBy(after.horizons, was.session.number)) yield* executionsOfSession(cluster, session);
  }
}

export const executedIsKnown: Invariant = invariant(
  'ExecutedIsKnown',
  'README.md, "A write is executed once"',
  function* (cluster) {
    for (const session of cluster.history.executions.keys())
      for (const execution of executionsOfSession(cluster, session)) yield executionDefect(cluster, execution);
  },
  function* (cluster, change) {
    for (const e of perhapsForgotten(cluster, change)) yield executionDefect(cluster, e);
    // What this step executed, and perhaps stored nothing of.
    const { consumed } = change;
    if (consumed?.message.tag === 'request') {
      const { session, seqno } = consumed.message;
      for (const e of cluster.history.executions.get(textOfSession(session))?.get(seqno) ?? [])
        yield executionDefect(cluster, e);
    }
    for (const { body } of [...newlySent(cluster, change), ...newlyAccepted(cluster, change)]) {
      const range = rangeOf(body);
      if (range !== undefined) for (const e of executionsIn(cluster, range)) yield executionDefect(cluster, e);
    }
  },
);

const recordDefect = ({ history }: KvCluster, { session, records }: Knowledge, was?: SessionEntry): Evidence => {
  const executions = history.executions.get(textOfSession(session));
  let at = 0;
  for (const record of records) {
    const { seqno, outcome } = record;
    while ((was?.records[at]?.seqno ?? seqno) < seqno) at++;
    // It was judged when it came to be.
    if (was?.records[at] === record) continue;
    const true_ = executions?.get(seqno)?.some((e) => equalValues(e.outcome, outcome));
    if (true_ !== true) return { session, seqno, outcome };
  }
  return undefined;
};

const floorDefect = ({ history }: KvCluster, { session, floor }: Knowledge): Evidence => {
  const asked = history.floors.get(textOfSession(session));
  return floor === 0 || (asked !== undefined && floor <= asked) ? undefined : { session, floor, asked };
};

/** The sessions of a host that a step changed. */
function* changedSessions({ before, after }: HostChange): Iterable<SessionEntry> {
  for (const session of after.sessions.diff(before.sessions)) {
    const entry = after.sessions.get(session);
    if (entry !== undefined) yield entry;
  }
}

/** Of all that hosts know and tell of a session; `defect` may take for granted what was true of the entry `was` before. */
export const ofAllKnowledge = (
  name: string,
  source: string,
  defect: (cluster: KvCluster, knowledge: Knowledge, was?: SessionEntry) => Evidence,
): Invariant =>
  invariant(
    name,
    source,
    function* (cluster) {
      for (const { sessions } of statesOf(cluster)) for (const entry of sessions.values()) yield defect(cluster, entry);
      for (const body of cluster.history.bodies.values()) for (const told of toldIn(body)) yield defect(cluster, told);
    },
    function* (cluster, change) {
      for (const entry of changedSessions(change))
        yield defect(cluster, entry, change.before.sessions.get(textOfSession(entry.session)));
      for (const { body } of newlySent(cluster, change)) for (const told of toldIn(body)) yield defect(cluster, told);
    },
  );

export const recordsAreTrue: Invariant = ofAllKnowledge(
  'RecordsAreTrue',
  'README.md, "A write is executed once"',
  recordDefect,
);

export const floorsWereAsked: Invariant = ofAllKnowledge(
  'FloorsWereAsked',
  'README.md, "What clients add": the client alone says what is settled',
  floorDefect,
);

const boundsDefect = (state: HostState, { session, floor, records }: SessionEntry): Evidence => {
  const { sessionWindowMax } = state.constants.configuration.parameters;
  if (expiredBy(state.horizons, session.number)) return { session, horizons: state.horizons };
  const ascending = records.every(({ seqno }, i) => i === 0 || seqno > (records[i - 1]?.seqno ?? 0));
  const within = records.every(({ seqno }) => seqno >= floor && seqno < floor + sessionWindowMax);
  return ascending && within ? undefined : { session, floor, records, sessionWindowMax };
};

export const sessionsAreBounded: Invariant = invariant(
  'SessionsAreBounded',
  'README.md, "Forgetting is bounded and safe"',
  function* (cluster) {
    for (const state of statesOf(cluster))
      for (const entry of state.sessions.values()) yield boundsDefect(state, entry);
  },
  function* (_, change) {
    const { before, after } = change;
    const entries = equalValues(before.horizons, after.horizons) ? changedSessions(change) : after.sessions.values();
    for (const entry of entries) yield boundsDefect(after, entry);
  },
);

const stampsDefect = ({ sessions, counts, peers, constants }: HostState): Evidence => {
  const stamps = new Set<number>();
  for (const { stamp, session } of sessions.values()) {
    if (stamps.has(stamp) || stamp > counts.stamp)
      return { host: constants.index, session, stamp, highest: counts.stamp };
    stamps.add(stamp);
  }
  for (const [peer, { told }] of peers) {
    if (told > counts.stamp) return { host: constants.index, peer, told, highest: counts.stamp };
  }
  return undefined;
};

export const stampsAreUnique: Invariant = invariant(
  'StampsAreUnique',
  'README.md, "A host\'s state"',
  (cluster) => statesOf(cluster).map(stampsDefect),
  function* (_, change) {
    const { before, after } = change;
    const changed = [...changedSessions(change)].map(({ stamp }) => stamp);
    const fresh =
      new Set(changed).size === changed.length &&
      changed.every((stamp) => stamp > before.counts.stamp && stamp <= after.counts.stamp);
    // Stamps that were never given are unique; of others all must be looked at.
    if (!fresh || before.peers !== after.peers) yield stampsDefect(after);
  },
);

/** What a host will know of a session once it has accepted all that is in flight to it from another. */
const knownInTheEnd = (cluster: KvCluster, from: HostState, to: HostState, session: string) => {
  const mine = to.sessions.get(session);
  let [floor, next] = [mine?.floor ?? 0, mine?.next ?? 0];
  const records = new Set(mine?.records.map(({ seqno }) => seqno));
  for (const { body } of inFlightBetween(cluster, from, to)) {
    for (const told of toldIn(body)) {
      if (textOfSession(told.session) !== session) continue;
      [floor, next] = [Math.max(floor, told.floor), Math.max(next, told.next)];
      for (const { seqno } of told.records) records.add(seqno);
    }
  }
  return { floor, next, records };
};

const toldDefect = (cluster: KvCluster, teller: HostState, to: HostState, entry: SessionEntry): Evidence => {
  const told = teller.peers.get(to.constants.index)?.told ?? 0;
  if (entry.stamp > told || expiredBy(to.horizons, entry.session.number)) return undefined;
  const known = knownInTheEnd(cluster, teller, to, textOfSession(entry.session));
  const missing = entry.records.find(({ seqno }) => seqno >= known.floor && !known.records.has(seqno));
  if (known.floor >= entry.floor && known.next >= entry.next && missing === undefined) return undefined;
  return {
    from: teller.constants.index,
    to: to.constants.index,
    session: entry.session,
    told,
    missing: missing?.seqno,
  };
};

/** What the host that stepped has told others. */
function* toldByStep(cluster: KvCluster, change: HostChange): Iterable<Evidence> {
  const { before, after } = change;
  const changed = [...changedSessions(change)];
  for (const to of statesOf(cluster)) {
    const peer = to.constants.index;
    if (peer === after.constants.index) continue;
    const was = before.peers.get(peer)?.told ?? 0;
    const grew = (after.peers.get(peer)?.told ?? 0) > was;
    for (const entry of grew ? after.sessions.values() : changed)
      if (!grew || entry.stamp > was || changed.includes(entry)) yield toldDefect(cluster, after, to, entry);
  }
}

/** What others have told the host that stepped. */
function* toldToStep(cluster: KvCluster, change: HostChange): Iterable<Evidence> {
  const { before, after } = change;
  const sessions = new Set<string>(after.sessions.diff(before.sessions));
  for (const { body } of newlyAccepted(cluster, change))
    for (const { session } of toldIn(body)) sessions.add(textOfSession(session));
  for (const teller of sessions.size === 0 ? [] : statesOf(cluster)) {
    if (teller === after) continue;
    for (const session of sessions) {
      const entry = teller.sessions.get(session);
      if (entry !== undefined) yield toldDefect(cluster, teller, after, entry);
    }
  }
}

export const toldIsTold: Invariant = invariant(
  'ToldIsTold',
  'README.md, "A write is executed once", (2)',
  function* (cluster) {
    const states = statesOf(cluster);
    for (const teller of states)
      for (const to of states)
        if (to !== teller) for (const entry of teller.sessions.values()) yield toldDefect(cluster, teller, to, entry);
  },
  function* (cluster, change) {
    yield* toldByStep(cluster, change);
    yield* toldToStep(cluster, change);
  },
);

export const sessionsAreOpenedOnce: Invariant = ofHistory<HostState, KvMessage, KvHistory>(
  'SessionsAreOpenedOnce',
  'README.md, "open"',
  ({ history }) => history.openedConflict ?? undefined,
);
