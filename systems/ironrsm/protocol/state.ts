/** The state of an IronRSM replica in the protocol (README.md, "A replica's state"; IronFleet, SOSP 2015, section 5.1). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Configuration } from '../configuration.js';
import type { Ballot, Cursor, Request, RsmMessage } from '../messages.js';
import { initMachine, type Machine } from './machine.js';

/** What never changes: the cluster, and which replica this is. */
export interface Constants {
  readonly configuration: Configuration;
  readonly me: EndPoint;
  readonly index: number;
}

/** An acceptor's vote; `digest` is that of the batch. */
export interface Vote {
  readonly ballot: Ballot;
  readonly batch: Uint8Array;
  readonly digest: Uint8Array;
}

/** A vote that a 1b reported. */
export interface PromisedVote {
  readonly ballot: Ballot;
  readonly batch: Uint8Array;
}

/** A 1b as the proposer keeps it. */
export interface Promised {
  readonly truncationPoint: number;
  readonly votes: PersistentMap<number, PromisedVote>;
}

/** Items by position; `first` is the oldest, `next` the position that the next one takes. */
export interface Queue<T> {
  readonly first: number;
  readonly next: number;
  readonly items: PersistentMap<number, T>;
}

export interface Proposer {
  readonly phase: 'idle' | 'phase1' | 'phase2';
  readonly ballot: Ballot;
  readonly queue: Queue<Request>;
  /** By replica index. */
  readonly promises: PersistentMap<number, Promised>;
  /** The highest operation number for which a promise has a vote; -1 for none. Ghost-free shorthand of `promises`. */
  readonly votedMax: number;
  readonly nextOpn: number;
}

export interface Acceptor {
  readonly maxBal: Ballot;
  readonly votes: PersistentMap<number, Vote>;
  readonly voteBytes: number;
  readonly truncationPoint: number;
  /** By replica index. */
  readonly checkpoints: readonly number[];
}

/** The 2b's of one operation at the learner's ballot; `senders` are replica indices, ascending. */
export interface Slot {
  readonly digest: Uint8Array;
  readonly senders: readonly number[];
  readonly batch: Uint8Array | null;
}

export interface Learner {
  readonly maxBal: Ballot;
  readonly slots: PersistentMap<number, Slot>;
}

/** The next operation's batch; `ballot` is null where it came by catch-up. */
export interface Decided {
  readonly ballot: Ballot | null;
  readonly batch: Uint8Array;
}

export interface Executor {
  readonly opsComplete: number;
  readonly machine: Machine;
  readonly decided: Decided | null;
  readonly log: PersistentMap<number, Uint8Array>;
  readonly logStart: number;
  readonly logBytes: number;
}

/** A state on its way to this replica. `sessions`: the pieces of the sessions bytes by offset; `sessionsLength`: their length in sum. */
export interface Inbound {
  readonly supplier: number;
  readonly opn: number;
  readonly at: Cursor;
  readonly sessions: PersistentMap<number, Uint8Array>;
  readonly sessionsLength: number;
  readonly app: unknown;
  readonly fresh: boolean;
  readonly tries: number;
}

/** A state on its way to another replica, as it was after `opn` operations; the application's lies beside it (`Transfer`). */
export interface Outbound {
  readonly opn: number;
  readonly sessions: Uint8Array;
  readonly fresh: boolean;
}

export interface Transfer {
  readonly supplied: PersistentMap<number, Uint8Array>;
  readonly source: number | null;
  readonly askedOpn: number;
  readonly inbound: Inbound | null;
  /** By replica index. */
  readonly outbound: PersistentMap<number, Outbound>;
  /** The application's part of each outbound state. */
  readonly outboundApps: PersistentMap<number, unknown>;
}

/** The name of a request within the tables of those that are held: of an `execute` a number, of an `open` a text. */
export type RequestKey = number | string;

export interface Election {
  readonly view: Ballot;
  readonly suspectors: readonly number[];
  readonly epochEndMs: number;
  readonly epochLengthMs: number;
  readonly fresh: PersistentMap<RequestKey, Request>;
  readonly waiting: PersistentMap<RequestKey, Request>;
}

export interface Timers {
  readonly nextHeartbeatMs: number;
  readonly nextProgressCheckMs: number;
  readonly retransmitMs: number;
  readonly opsAtLastCheck: number;
}

export interface Replica {
  readonly constants: Constants;
  readonly proposer: Proposer;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly executor: Executor;
  readonly transfer: Transfer;
  readonly election: Election;
  readonly timers: Timers;
}

/** The smallest number of replicas of which any two sets of that size meet. */
export const quorumSize = (replicas: number): number => Math.floor(replicas / 2) + 1;

/** The quorum size of a replica's cluster. */
export const quorumOf = (c: Constants): number => quorumSize(c.configuration.replicas.length);

const initTransfer: Transfer = {
  supplied: PersistentMap.empty(),
  source: null,
  askedOpn: -1,
  inbound: null,
  outbound: PersistentMap.empty(),
  outboundApps: PersistentMap.empty(),
};

/** A replica before its first step. Throws if `me` is no replica of the configuration. */
export const initReplica = (configuration: Configuration, me: EndPoint): Replica => {
  const index = configuration.replicas.indexOf(me);
  if (index < 0) throw new Error(`${me} is no replica of this configuration`);
  const { viewTimeoutMs, retransmitPeriodMs } = configuration.parameters;
  return {
    constants: { configuration, me, index },
    proposer: {
      phase: 'idle',
      ballot: { seqno: 0, proposer: index },
      queue: { first: 0, next: 0, items: PersistentMap.empty() },
      promises: PersistentMap.empty(),
      votedMax: -1,
      nextOpn: 0,
    },
    acceptor: {
      maxBal: { seqno: 0, proposer: 0 },
      votes: PersistentMap.empty(),
      voteBytes: 0,
      truncationPoint: 0,
      checkpoints: configuration.replicas.map(() => 0),
    },
    learner: { maxBal: { seqno: 0, proposer: 0 }, slots: PersistentMap.empty() },
    executor: {
      opsComplete: 0,
      machine: initMachine(configuration),
      decided: null,
      log: PersistentMap.empty(),
      logStart: 0,
      logBytes: 0,
    },
    transfer: initTransfer,
    election: {
      view: { seqno: 1, proposer: 0 },
      suspectors: [],
      epochEndMs: 0,
      epochLengthMs: viewTimeoutMs,
      fresh: PersistentMap.empty(),
      waiting: PersistentMap.empty(),
    },
    timers: { nextHeartbeatMs: 0, nextProgressCheckMs: 0, retransmitMs: retransmitPeriodMs, opsAtLastCheck: 0 },
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
