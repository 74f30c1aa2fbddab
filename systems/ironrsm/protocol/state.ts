/** The state of an IronRSM replica in the protocol (README.md, "A replica's state"; IronFleet, SOSP 2015, section 5.1). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Configuration } from '../configuration.js';
import type { Ballot, Batch, Request, RsmMessage, Vote } from '../messages.js';

/** What never changes: the cluster, and which replica this is. */
export interface Constants {
  readonly configuration: Configuration;
  readonly me: EndPoint;
  readonly index: number;
}

/** A 1b as the proposer keeps it. */
export interface Promised {
  readonly truncationPoint: number;
  readonly votes: PersistentMap<number, Vote>;
}

/** Requests by position; `first` is the oldest, `next` the position that the next one takes. */
export interface Queue {
  readonly first: number;
  readonly next: number;
  readonly items: PersistentMap<number, Request>;
}

export interface Proposer {
  readonly phase: 'idle' | 'phase1' | 'phase2';
  readonly ballot: Ballot;
  readonly queue: Queue;
  readonly queued: PersistentMap<EndPoint, number>;
  /** By replica index. */
  readonly promises: PersistentMap<number, Promised>;
  /** The highest operation number for which a promise has a vote; -1 for none. Ghost-free shorthand of `promises`. */
  readonly votedMax: number;
  readonly nextOpn: number;
}

export interface Acceptor {
  readonly maxBal: Ballot;
  readonly votes: PersistentMap<number, Vote>;
  readonly truncationPoint: number;
  /** By replica index. */
  readonly checkpoints: readonly number[];
}

/** The 2b's of one operation at the learner's ballot; `senders` are replica indices, ascending. */
export interface Slot {
  readonly batch: Batch;
  readonly senders: readonly number[];
}

export interface Learner {
  readonly maxBal: Ballot;
  readonly slots: PersistentMap<number, Slot>;
}

/** A client's last executed request and its reply. */
export interface Answer {
  readonly seqno: number;
  readonly value: Uint8Array;
}

export interface Executor {
  readonly opsComplete: number;
  readonly app: unknown;
  readonly replies: PersistentMap<EndPoint, Answer>;
  readonly decided: Vote | null;
}

export interface Election {
  readonly view: Ballot;
  readonly suspectors: readonly number[];
  readonly epochEndMs: number;
  readonly epochLengthMs: number;
  readonly fresh: PersistentMap<EndPoint, Request>;
  readonly waiting: PersistentMap<EndPoint, Request>;
}

export interface Timers {
  readonly nextHeartbeatMs: number;
  readonly nextProgressCheckMs: number;
  readonly opsAtLastCheck: number;
}

export interface Replica {
  readonly constants: Constants;
  readonly proposer: Proposer;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly executor: Executor;
  readonly election: Election;
  readonly timers: Timers;
}

/** The smallest number of replicas of which any two sets of that size meet. */
export const quorumSize = (replicas: number): number => Math.floor(replicas / 2) + 1;

/** The quorum size of a replica's cluster. */
export const quorumOf = (c: Constants): number => quorumSize(c.configuration.replicas.length);

/** A replica before its first step. Throws if `me` is no replica of the configuration. */
export const initReplica = (configuration: Configuration, me: EndPoint): Replica => {
  const index = configuration.replicas.indexOf(me);
  if (index < 0) throw new Error(`${me} is no replica of this configuration`);
  return {
    constants: { configuration, me, index },
    proposer: {
      phase: 'idle',
      ballot: { seqno: 0, proposer: index },
      queue: { first: 0, next: 0, items: PersistentMap.empty() },
      queued: PersistentMap.empty(),
      promises: PersistentMap.empty(),
      votedMax: -1,
      nextOpn: 0,
    },
    acceptor: {
      maxBal: { seqno: 0, proposer: 0 },
      votes: PersistentMap.empty(),
      truncationPoint: 0,
      checkpoints: configuration.replicas.map(() => 0),
    },
    learner: { maxBal: { seqno: 0, proposer: 0 }, slots: PersistentMap.empty() },
    executor: { opsComplete: 0, app: configuration.app.initial, replies: PersistentMap.empty(), decided: null },
    election: {
      view: { seqno: 1, proposer: 0 },
      suspectors: [],
      epochEndMs: 0,
      epochLengthMs: configuration.parameters.viewTimeoutMs,
      fresh: PersistentMap.empty(),
      waiting: PersistentMap.empty(),
    },
    timers: { nextHeartbeatMs: 0, nextProgressCheckMs: 0, opsAtLastCheck: 0 },
  };
};

/** One packet from this replica. */
export const packetTo = (s: Replica, target: EndPoint, message: RsmMessage): Packet<RsmMessage> => ({
  source: s.constants.me,
  target,
  message,
});

/** A packet to every replica, oneself included. */
export const toAll = (s: Replica, message: RsmMessage): readonly Packet<RsmMessage>[] =>
  s.constants.configuration.replicas.map((target) => packetTo(s, target, message));

/** A packet to every replica but oneself. */
export const toOthers = (s: Replica, message: RsmMessage): readonly Packet<RsmMessage>[] =>
  toAll(s, message).filter((p) => p.target !== s.constants.me);
