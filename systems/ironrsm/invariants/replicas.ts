/** Invariants about the replicas' states (IronFleet's RSL proof: Quorum, Learner, LogTruncationPoint, Execution, StateMachine files). */
import {
  type ClusterInvariant,
  type Evidence,
  everyEntry,
  everyHost,
  everyStep,
} from '../../../src/refinement/cluster.js';
import { changedEqual, firstDifference } from '../../../src/refinement/values.js';
import { equalBytes } from '../../../src/spec/bytes.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import {
  ballotOrder,
  ballotText,
  type Fold,
  type RsmChange,
  type RsmCluster,
  type RsmHistory,
  sameBallot,
} from '../history.js';
import type { RsmMessage } from '../messages.js';
import { quorumOf, type Replica } from '../protocol.js';

type Invariant = ClusterInvariant<Replica, RsmMessage, RsmHistory>;

const quorumsIntersect: Invariant = everyHost(
  'any two quorums intersect',
  'IronFleet RSL, Quorum: QuorumIndexOverlap',
  (s) => {
    const replicas = s.constants.configuration.replicas.length;
    const quorum = quorumOf(s.constants);
    return 2 * quorum > replicas ? undefined : { replicas, quorum };
  },
);

const ballotsNeverDecrease: Invariant = everyStep(
  "a replica's ballots never decrease",
  "IronFleet RSL, CommonProof: MaxBallotISent1a and acceptors' MaxBal are monotonic",
  (before, after) => {
    const of = (s: Replica) => ({
      proposed: s.proposer.ballot,
      promised: s.acceptor.maxBal,
      seen: s.learner.maxBal,
      view: s.election.view,
    });
    const was = of(before);
    const is = of(after);
    for (const name of ['proposed', 'promised', 'seen', 'view'] as const) {
      if (ballotOrder(was[name], is[name]) > 0) return { ballot: name, was: was[name], is: is[name] };
    }
    return undefined;
  },
);

const positionsOnlyGrow: Invariant = everyStep(
  'executed operations and the truncation point only grow',
  'IronFleet RSL, Execution: OpsCompleteMonotonic; LogTruncationPointMonotonic',
  (before, after) => {
    const was = [before.executor.opsComplete, before.acceptor.truncationPoint] as const;
    const is = [after.executor.opsComplete, after.acceptor.truncationPoint] as const;
    return is[0] >= was[0] && is[1] >= was[1] ? undefined : { was, is };
  },
);

const countedPromisesWereSent: Invariant = everyEntry(
  "the 1b's that a proposer counts are for its ballot, from distinct replicas",
  'IronFleet RSL, Received1b: Received1bPacketsAreFromMaxBallotISent1a',
  (s: Replica) => s.proposer.promises,
  (_promise, sender, s, _host, c: RsmCluster) => {
    const sent = c.history.promises.get(ballotText(s.proposer.ballot)) ?? [];
    return sent.some((p) => p.sender === sender) ? undefined : { sender, ballot: s.proposer.ballot };
  },
);

const votesAreBelowMaxBal: Invariant = everyEntry(
  "a vote's ballot does not exceed the acceptor's maxBal",
  'IronFleet RSL, Message2b: VotePrecedesMaxBal',
  (s: Replica) => s.acceptor.votes,
  (vote, opn, s) =>
    ballotOrder(vote.ballot, s.acceptor.maxBal) <= 0 && opn >= s.acceptor.truncationPoint
      ? undefined
      : { opn, vote: vote.ballot, maxBal: s.acceptor.maxBal, truncationPoint: s.acceptor.truncationPoint },
);

const votesWereProposed: Invariant = everyEntry(
  "an acceptor's vote holds the batch of its 2a, and its digest",
  'IronFleet RSL, Message2b: votes have a corresponding 2a; votes by digest: README.md, "2a"',
  (s: Replica) => s.acceptor.votes,
  (vote, opn, _s, _host, c: RsmCluster) => {
    const proposed = c.history.proposed(opn, vote.ballot);
    const same = proposed !== undefined && equalBytes(proposed.batch, vote.batch);
    return same && equalBytes(proposed.digest, vote.digest) ? undefined : { opn, ballot: vote.ballot, same };
  },
);

const truncatedWasExecuted: Invariant = everyHost(
  'a quorum has executed past every truncation point',
  'IronFleet RSL, LogTruncationPoint: LogTruncationPointInvariant',
  (s, _host, c: RsmCluster) => {
    const { truncationPoint } = s.acceptor;
    if (truncationPoint === 0) return undefined;
    let past = 0;
    for (const other of c.hosts.values()) if (other.executor.opsComplete >= truncationPoint) past++;
    return 2 * past > c.hosts.size ? undefined : { truncationPoint, past };
  },
);

const checkpointsWereExecuted: Invariant = everyHost(
  'no replica believes that another one executed more than it did',
  'IronFleet RSL, LogTruncationPoint: checkpoints are those that heartbeats reported',
  (s, _host, c: RsmCluster) => {
    const { replicas } = s.constants.configuration;
    for (const [i, believed] of s.acceptor.checkpoints.entries()) {
      const opsComplete = c.hosts.get(replicas[i] as EndPoint)?.executor.opsComplete ?? 0;
      if (believed > opsComplete) return { replica: i, believed, opsComplete };
    }
    return undefined;
  },
);

const slotsAreBacked: Invariant = everyEntry(
  "a learner's slot is backed by 2b's that were sent, and its batch has their digest",
  'IronFleet RSL, LearnerState: Received2bMessageSendersAlwaysValidReplicas, LearnerTuple is backed',
  (s: Replica) => s.learner.slots,
  (slot, opn, s, _host, c: RsmCluster) => {
    const { maxBal } = s.learner;
    const votes = c.history.votes.get(opn) ?? [];
    const matching = votes.find((v) => sameBallot(v.ballot, maxBal) && equalBytes(v.digest, slot.digest));
    const distinct = new Set(slot.senders).size === slot.senders.length;
    const backed = distinct && slot.senders.every((sender) => matching?.senders.has(sender));
    const proposed = slot.batch === null ? undefined : c.history.proposed(opn, maxBal);
    const sameBatch = slot.batch === null || (proposed !== undefined && equalBytes(proposed.batch, slot.batch));
    if (backed && sameBatch) return undefined;
    return { opn, ballot: maxBal, counted: slot.senders, sent: [...(matching?.senders ?? [])], sameBatch };
  },
);

/** Why `batch` is not what was chosen for the operation. */
const notChosen = (opn: number, batch: Uint8Array, c: RsmCluster): Evidence => {
  const chosen = c.history.chosen.get(opn);
  if (chosen !== undefined && equalBytes(chosen, batch)) return undefined;
  return { opn, chosen: chosen === undefined ? 'nothing' : 'another batch' };
};

const decidedWasChosen: Invariant = everyHost(
  'a decided operation was chosen, and so was every operation before it',
  'IronFleet RSL, Execution: DecidedOperationWasChosen',
  (s, _host, c: RsmCluster) => {
    const { opsComplete, decided } = s.executor;
    if (opsComplete >= c.history.folds.length) return { opsComplete, chosen: c.history.folds.length - 1 };
    return decided === null ? undefined : notChosen(opsComplete, decided.batch, c);
  },
);

const suppliedWereChosen: Invariant = everyEntry(
  'the batches that a catch-up brought were chosen',
  'README.md, "catchUpSupply"',
  (s: Replica) => s.transfer.supplied,
  (batch, opn, _s, _host, c: RsmCluster) => notChosen(opn, batch, c),
);

const logEntriesWereChosen: Invariant = everyEntry(
  'the log of executed batches holds chosen ones, below the position of its replica',
  'README.md, "A replica\'s state"',
  (s: Replica) => s.executor.log,
  (batch, opn, s, _host, c: RsmCluster) => {
    const { logStart, opsComplete } = s.executor;
    return opn < logStart || opn >= opsComplete ? { opn, logStart, opsComplete } : notChosen(opn, batch, c);
  },
);

const logIsWhole: Invariant = everyHost(
  'the log of executed batches has no gap',
  'README.md, "A replica\'s state"',
  ({ executor: { log, logStart, opsComplete } }) =>
    log.size === opsComplete - logStart ? undefined : { size: log.size, logStart, opsComplete },
);

/** The parts of a state that follow from the operations executed, of a replica and of the fold, in one form. */
const partsOf = ({ executor: { machine } }: Replica) => {
  const { nextSession, live, ring, done, replyBytes } = machine.sessions;
  return {
    app: machine.app,
    sessions: live,
    done,
    ring: ring.items,
    numbers: { nextSession, replyBytes, ringFirst: ring.first, ringNext: ring.next },
  };
};

const foldedParts = ({ app, sessions, done, ring, nextSession, replyBytes, ringFirst, ringNext }: Fold) => ({
  app,
  sessions,
  done,
  ring,
  numbers: { nextSession, replyBytes, ringFirst, ringNext },
});

const partNames = ['app', 'sessions', 'done', 'ring', 'numbers'] as const;

/**
 * The first part of a replica's state that is not the fold's. Given a state before it that was a fold, looks only at what the replica
 * changed, and at what the operations between them change: the second finds what was forgotten.
 */
const foldDifference = (s: Replica, c: RsmCluster, before?: Replica): Evidence => {
  const { opsComplete } = s.executor;
  const fold = c.history.folds[opsComplete];
  if (fold === undefined) return { opsComplete, chosen: c.history.folds.length - 1 };
  const [is, shouldBe] = [partsOf(s), foldedParts(fold)];
  const was = before && partsOf(before);
  const shouldHaveBeen = before && foldedParts(c.history.folds[before.executor.opsComplete] as Fold);
  for (const part of partNames) {
    const difference =
      was === undefined || shouldHaveBeen === undefined
        ? firstDifference(is[part], shouldBe[part])
        : (changedEqual(was[part], is[part], shouldBe[part]) ??
          changedEqual(shouldHaveBeen[part], shouldBe[part], is[part]));
    if (difference !== undefined) return { opsComplete, part, path: difference.path.join('.') };
  }
  return undefined;
};

const statesFromScratch: Invariant = everyHost(
  "a replica's application state, sessions and kept replies are the fold of the chosen operations before its position",
  'IronFleet RSL, StateMachine: app state is the fold; ReplyCache: cached replies are those of chosen requests',
  (s, _host, c: RsmCluster) => foldDifference(s, c),
);

/** By change: where the step changed them, they equal the fold; a state that was transferred is compared in full. */
const statesAreFolds: Invariant = {
  ...statesFromScratch,
  checkChange: (cluster: RsmCluster, change: RsmChange) => {
    const { before, after, host } = change;
    const isSmall =
      before !== undefined &&
      after !== undefined &&
      (before.executor === after.executor ||
        (after.executor.opsComplete - before.executor.opsComplete <= 1 &&
          foldDifference(after, cluster, before) === undefined));
    return statesFromScratch.checkChange(cluster, { ...change, host: isSmall ? undefined : host });
  },
};

/** Weakest first. */
export const replicaInvariants: readonly Invariant[] = [
  quorumsIntersect,
  ballotsNeverDecrease,
  positionsOnlyGrow,
  countedPromisesWereSent,
  votesAreBelowMaxBal,
  votesWereProposed,
  checkpointsWereExecuted,
  truncatedWasExecuted,
  slotsAreBacked,
  decidedWasChosen,
  suppliedWereChosen,
  logEntriesWereChosen,
  logIsWhole,
  statesAreFolds,
];
