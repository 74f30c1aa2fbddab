/** The abstraction function of a replica, component by component: which part of the host's state is which part of the protocol's (IronFleet, SOSP 2015, section 3.5). */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { Component, TableComponent } from '../../src/refinement/host-refinement.js';
import type { ReplicaHost } from './host.js';
import type { Promised, PromisedVote, Replica } from './protocol.js';

const promisesOf = (host: ReplicaHost): PersistentMap<number, Promised> =>
  PersistentMap.of(
    [...host.proposer.promises].map(([sender, p]): [number, Promised] => [
      sender,
      {
        truncationPoint: p.truncationPoint,
        votes: PersistentMap.of(
          p.votes.map((v): [number, PromisedVote] => [v.opn, { ballot: v.ballot, batch: v.batch }]),
        ),
      },
    ]),
  );

type Table = PersistentMap<string | number, unknown>;

const table = (
  name: string,
  native: (host: ReplicaHost) => ReadonlyMap<string | number, unknown>,
  protocol: (state: Replica) => unknown,
): TableComponent<ReplicaHost, Replica> => ({
  kind: 'table',
  name,
  hostAt: (host, key) => native(host).get(key),
  hostKeys: (host) => native(host).keys(),
  hostSize: (host) => native(host).size,
  protocol: (state) => protocol(state) as Table,
});

const keyed = (map: unknown): ReadonlyMap<string | number, unknown> => map as ReadonlyMap<string | number, unknown>;

/** A queue by absolute positions, on the host an array behind `at`. */
const positions = (
  name: string,
  native: (host: ReplicaHost) => { readonly first: number; readonly next: number; at(position: number): unknown },
  protocol: (state: Replica) => unknown,
): TableComponent<ReplicaHost, Replica> => ({
  kind: 'table',
  name,
  hostAt: (host, position) => native(host).at(position as number),
  hostKeys: function* (host) {
    const { first, next } = native(host);
    for (let position = first; position < next; position++) yield position;
  },
  hostSize: (host) => native(host).next - native(host).first,
  protocol: (state) => protocol(state) as Table,
});

const wholes: readonly Component<ReplicaHost, Replica>[] = [
  {
    kind: 'whole',
    name: 'proposer.phase',
    host: ({ proposer: p }) => ({
      phase: p.phase,
      ballot: p.ballot,
      nextOpn: p.nextOpn,
      first: p.queueFirst,
      next: p.queueNext,
    }),
    protocol: ({ proposer: p }) => ({
      phase: p.phase,
      ballot: p.ballot,
      nextOpn: p.nextOpn,
      first: p.queue.first,
      next: p.queue.next,
    }),
  },
  { kind: 'whole', name: 'proposer.promises', host: promisesOf, protocol: (s) => s.proposer.promises },
  {
    kind: 'whole',
    name: 'acceptor',
    host: ({ acceptor: a }) => [a.maxBal, a.truncationPoint, a.checkpoints, a.voteBytes],
    protocol: ({ acceptor: a }) => [a.maxBal, a.truncationPoint, a.checkpoints, a.voteBytes],
  },
  { kind: 'whole', name: 'learner.maxBal', host: (h) => h.learner.maxBal, protocol: (s) => s.learner.maxBal },
  {
    kind: 'whole',
    name: 'executor',
    host: ({ executor: e }) => ({
      opsComplete: e.opsComplete,
      decided: e.decided ?? null,
      nextSession: e.nextSession,
      replyBytes: e.replyBytes,
      ring: [e.ring.first, e.ring.next],
      logStart: e.logStart,
      logBytes: e.logBytes,
    }),
    protocol: ({ executor: e }) => ({
      opsComplete: e.opsComplete,
      decided: e.decided,
      nextSession: e.machine.sessions.nextSession,
      replyBytes: e.machine.sessions.replyBytes,
      ring: [e.machine.sessions.ring.first, e.machine.sessions.ring.next],
      logStart: e.logStart,
      logBytes: e.logBytes,
    }),
  },
  {
    // Of the sessions bytes only the length: what they hold is compared when the state is installed.
    kind: 'whole',
    name: 'transfer',
    host: ({ transfer: t }) => ({
      source: t.source,
      askedOpn: t.askedOpn,
      inbound: t.inbound === undefined ? null : [t.inbound.supplier, t.inbound.opn, t.inbound.at],
      progress: t.inbound === undefined ? null : [t.inbound.fresh, t.inbound.tries, t.inbound.sessions.length],
    }),
    protocol: ({ transfer: t }) => ({
      source: t.source,
      askedOpn: t.askedOpn,
      inbound: t.inbound === null ? null : [t.inbound.supplier, t.inbound.opn, t.inbound.at],
      progress: t.inbound === null ? null : [t.inbound.fresh, t.inbound.tries, t.inbound.sessionsLength],
    }),
  },
  {
    kind: 'whole',
    name: 'election',
    host: ({ election: e }) => [e.view, e.suspectors, e.epochEndMs, e.epochLengthMs],
    protocol: ({ election: e }) => [e.view, e.suspectors, e.epochEndMs, e.epochLengthMs],
  },
  { kind: 'whole', name: 'timers', host: (h) => ({ ...h.timers }), protocol: (s) => s.timers },
  { kind: 'persistent', name: 'executor.app', host: (h) => h.executor.app, protocol: (s) => s.executor.machine.app },
  {
    kind: 'persistent',
    name: 'transfer.inboundApp',
    host: (h) => h.transfer.inbound?.app ?? null,
    protocol: (s) => s.transfer.inbound?.app ?? null,
  },
];

const tables: readonly Component<ReplicaHost, Replica>[] = [
  positions(
    'proposer.queue',
    ({ proposer: p }) => ({ first: p.queueFirst, next: p.queueNext, at: (position) => p.queueAt(position) }),
    (s) => s.proposer.queue.items,
  ),
  positions(
    'executor.ring',
    (h) => h.executor.ring,
    (s) => s.executor.machine.sessions.ring.items,
  ),
  table(
    'acceptor.votes',
    (h) => keyed(h.acceptor.votes),
    (s) => s.acceptor.votes,
  ),
  table(
    'learner.slots',
    (h) => keyed(h.learner.slots),
    (s) => s.learner.slots,
  ),
  table(
    'executor.sessions',
    (h) => keyed(h.executor.sessions),
    (s) => s.executor.machine.sessions.live,
  ),
  table(
    'executor.done',
    (h) => keyed(h.executor.done),
    (s) => s.executor.machine.sessions.done,
  ),
  table(
    'executor.log',
    (h) => keyed(h.executor.log),
    (s) => s.executor.log,
  ),
  table(
    'transfer.supplied',
    (h) => keyed(h.transfer.supplied),
    (s) => s.transfer.supplied,
  ),
  {
    // Not the application's part: it is what `executor.app` was when this was begun, and each piece of it that is sent is compared.
    kind: 'table',
    name: 'transfer.outbound',
    hostAt: (h, index) => {
      const o = h.transfer.outbound.get(index as number);
      return o && { opn: o.opn, sessions: o.sessions, fresh: o.fresh };
    },
    hostKeys: (h) => h.transfer.outbound.keys(),
    hostSize: (h) => h.transfer.outbound.size,
    protocol: (s) => s.transfer.outbound as unknown as Table,
  },
  table(
    'election.fresh',
    (h) => keyed(h.election.fresh),
    (s) => s.election.fresh,
  ),
  table(
    'election.waiting',
    (h) => keyed(h.election.waiting),
    (s) => s.election.waiting,
  ),
];

/** All of them; together they cover the protocol's state. */
export const components: readonly Component<ReplicaHost, Replica>[] = [...wholes, ...tables];
