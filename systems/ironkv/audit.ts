/** IronKV's journals under audit: what may be forgotten while they are read. */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { AuditedSystem, Retained } from '../../src/refinement/audit.js';
import type { Configuration } from './configuration.js';
import { withoutSettled } from './history/order.js';
import { type Execution, executionName, type KvHistory, shardKey } from './history.js';
import type { KvAction, KvHost } from './host.js';
import { inRange, type Range, rangeOf, toldIn } from './invariants/form.js';
import { ironkv } from './main.js';
import { clientKinds, type KvMessage, sessionOfText, textOfSession } from './messages.js';
import type { HostState, KvStep } from './protocol.js';
import { ironkvCluster } from './refinement.js';
import { type ExecuteRequest, isWrite, type KvSpec, requestKey, writeKey } from './spec.js';

type KvRetained = Retained<HostState, KvMessage, KvHistory, KvSpec>;

/** The parts of a key of `history.bodies`. */
const streamOf = (key: string): { readonly from: number; readonly to: number; readonly seqno: number } => {
  const [from = 0, to = 0, seqno = 0] = key.split(/[>#]/).map(Number);
  return { from, to, seqno };
};

/** What hosts, and the bodies that are not settled, still say of sessions and ranges. */
class Spoken {
  readonly #hosts: readonly HostState[];
  /** Told of sessions by bodies: the seqnos of their records. */
  readonly #told = new Map<string, Set<number>>();
  /** The ranges in flight. */
  readonly #ranges: Range[] = [];

  constructor(hosts: readonly HostState[], { bodies }: KvHistory) {
    this.#hosts = hosts;
    for (const [key, body] of bodies) {
      for (const { session, records } of toldIn(body)) {
        const text = textOfSession(session);
        const seqnos = this.#told.get(text) ?? new Set();
        this.#told.set(text, seqnos);
        for (const { seqno } of records) seqnos.add(seqno);
      }
      const { from, to, seqno } = streamOf(key);
      const range = rangeOf(body);
      const isInFlight = seqno > (hosts[to]?.peers.get(from)?.received ?? 0);
      if (range !== undefined && isInFlight) this.#ranges.push(range);
    }
  }

  /** Whether anybody stores the session, or is told of it. */
  ofSession(session: string): boolean {
    return this.#told.has(session) || this.#hosts.some(({ sessions }) => sessions.has(session));
  }

  /** Whether anybody has, or is told, the record of a write. */
  ofRecord(session: string, seqno: number): boolean {
    if (this.#told.get(session)?.has(seqno) === true) return true;
    return this.#hosts.some(({ sessions }) => sessions.get(session)?.records.some((r) => r.seqno === seqno) === true);
  }

  /** Whether a key is claimed by no host, but by a delegate in flight. */
  ofKey(key: string): boolean {
    return this.#ranges.some((range) => inRange(key, range));
  }
}

/** A body that was accepted and acked is never sent again. */
const forgetBodies = (history: KvHistory, hosts: readonly HostState[]): void => {
  history.bodies = history.bodies.withMutations((draft) => {
    for (const key of history.bodies.keys()) {
      const { from, to, seqno } = streamOf(key);
      const received = hosts[to]?.peers.get(from)?.received ?? 0;
      const acked = hosts[from]?.peers.get(to)?.acked ?? 0;
      if (seqno <= Math.min(received, acked)) draft.delete(key);
    }
  });
};

/** Floors and order of sessions of which nobody knows, numbers below their opener's count, and orders that a later one overtook. */
const forgetOrders = (history: KvHistory, hosts: readonly HostState[], spoken: Spoken): void => {
  history.floors = history.floors.withMutations((draft) => {
    for (const session of history.floors.keys()) if (!spoken.ofSession(session)) draft.delete(session);
  });
  history.orders = history.orders.withMutations((draft) => {
    for (const [session, order] of history.orders)
      if (spoken.ofSession(session)) draft.set(session, withoutSettled(order));
      else draft.delete(session);
  });
  history.opened = PersistentMap.empty();
  const needed = new Set<string>();
  for (const { constants, shards, moves } of hosts) {
    for (const [source, { seqno }] of shards) needed.add(shardKey(source, constants.me, seqno));
    for (const { administrator, seqno } of moves) needed.add(shardKey(administrator, constants.me, seqno));
  }
  history.shards = history.shards.withMutations((draft) => {
    for (const key of history.shards.keys()) if (!needed.has(key)) draft.delete(key);
  });
};

/**
 * An executed write of which nobody has the record any more is known to the host that owns its key by the session's floor or end. That
 * stays so wherever the key goes, since floors and ends are told before it, which invariants state of the hosts alone.
 */
const settledIn = (history: KvHistory, spoken: Spoken): readonly Execution[] => {
  const settled: Execution[] = [];
  for (const bySeqno of history.executions.values())
    for (const executions of bySeqno.values())
      for (const e of executions) if (!spoken.ofRecord(e.session, e.seqno) && !spoken.ofKey(e.key)) settled.push(e);
  return settled;
};

const forgetExecutions = (history: KvHistory, settled: readonly Execution[]): void => {
  for (const execution of settled) {
    const { session, seqno, key } = execution;
    const left = history.executions.get(session)?.delete(seqno);
    history.executions =
      left === undefined || left.size === 0
        ? history.executions.delete(session)
        : history.executions.set(session, left);
    const ofKey = history.executionsOf.get(key)?.delete(executionName(execution));
    history.executionsOf =
      ofKey === undefined || ofKey.size === 0 ? history.executionsOf.delete(key) : history.executionsOf.set(key, ofKey);
  }
};

/** The service without settled writes, and without the outcomes that no record repeats. */
const specWithout = (spec: KvSpec, settled: readonly Execution[], spoken: Spoken): KvSpec => ({
  table: spec.table,
  executed: spec.executed.withMutations((draft) => {
    for (const { session, seqno, key } of settled) draft.delete(writeKey(sessionOfText(session), seqno, key));
  }),
  outcomes: spec.outcomes.withMutations((draft) => {
    for (const request of spec.outcomes.keys()) {
      const [session = '', seqno] = request.split('#');
      if (!spoken.ofRecord(session, Number(seqno))) draft.delete(request);
    }
  }),
});

/** Forgets what no running host can speak of again. What stays follows what hosts hold: the table, sessions, bodies on their way. */
const forget = ({ history, spec, hosts, keepFromOutside }: KvRetained): KvSpec => {
  const states = [...hosts.values()].sort((a, b) => a.constants.index - b.constants.index);
  forgetBodies(history, states);
  const spoken = new Spoken(states, history);
  forgetOrders(history, states, spoken);
  const settled = settledIn(history, spoken);
  forgetExecutions(history, settled);
  // A request is looked up when it is executed, right after it is received; and what is received again was sent again.
  keepFromOutside(() => false);
  return specWithout(spec, settled, spoken);
};

/** Counts requests: a read may be executed again when it is asked again, and counts once where its copies are not far apart. */
class Requests {
  #reads = new Set<string>();
  #readsBefore = new Set<string>();

  countOf({ packet: { message: m } }: ExecuteRequest): number {
    if (isWrite(m.command)) return 1;
    const request = requestKey(m.session, m.seqno);
    if (this.#reads.has(request) || this.#readsBefore.has(request)) return 0;
    this.#reads.add(request);
    return 1;
  }

  /** Forgets reads that were first seen before the last call. */
  age(): void {
    this.#readsBefore = this.#reads;
    this.#reads = new Set();
  }
}

/** What `ironkeel audit` runs on journals of IronKV; of one audit. */
export const ironkvAudit = (): AuditedSystem<
  Configuration,
  KvHost,
  HostState,
  KvMessage,
  KvStep,
  KvAction,
  KvHistory,
  KvSpec,
  ExecuteRequest
> => {
  const requests = new Requests();
  return {
    definition: ironkv,
    model: ironkvCluster,
    clientMessages: clientKinds,
    requestsIn: (step) => requests.countOf(step),
    forget: (retained) => {
      requests.age();
      return forget(retained);
    },
  };
};
