/** Invariants about the replicas' states (IronFleet's RSL proof: Quorum, Learner, LogTruncationPoint, Execution, StateMachine files). */
import { type ClusterInvariant, everyEntry, everyHost, everyStep } from '../../../src/refinement/cluster.js';
import { changedEqual, equalValues } from '../../../src/refinement/values.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { ballotOrder, ballotText, type RsmChange, type RsmCluster, type RsmHistory, sameBallot } from '../history.js';
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

const slotsAreBacked: Invariant = everyEntry(
  "a learner's slot is backed by 2b's that were sent",
  'IronFleet RSL, LearnerState: Received2bMessageSendersAlwaysValidReplicas, LearnerTuple is backed',
  (s: Replica) => s.learner.slots,
  (slot, opn, s, _host, c: RsmCluster) => {
    const votes = c.history.votes.get(opn) ?? [];
    const matching = votes.find((v) => sameBallot(v.ballot, s.learner.maxBal) && equalValues(v.batch, slot.batch));
    const distinct = new Set(slot.senders).size === slot.senders.length;
    if (distinct && slot.senders.every((sender) => matching?.senders.has(sender))) return undefined;
    return { opn, ballot: s.learner.maxBal, counted: slot.senders, sent: [...(matching?.senders ?? [])] };
  },
);

const decidedWasChosen: Invariant = everyHost(
  'a decided operation was chosen, and so was every operation before it',
  'IronFleet RSL, Execution: DecidedOperationWasChosen',
  (s, _host, c: RsmCluster) => {
    const { opsComplete, decided } = s.executor;
    if (opsComplete >= c.history.folds.length) return { opsComplete, chosen: c.history.folds.length - 1 };
    if (decided === null || equalValues(c.history.chosen.get(opsComplete), decided.batch)) return undefined;
    return {
      opn: opsComplete,
      decided: decided.ballot,
      chosen: c.history.chosen.has(opsComplete) ? 'another value' : 'nothing',
    };
  },
);

const foldDifference = (s: Replica, c: RsmCluster) => {
  const fold = c.history.folds[s.executor.opsComplete];
  if (fold === undefined) return { opsComplete: s.executor.opsComplete, chosen: c.history.folds.length - 1 };
  if (!equalValues(fold.app, s.executor.app)) return { opsComplete: s.executor.opsComplete, part: 'application' };
  return equalValues(fold.answers, s.executor.replies)
    ? undefined
    : { opsComplete: s.executor.opsComplete, part: 'replies' };
};

const statesFromScratch: Invariant = everyHost(
  "a replica's application state and cached replies are the fold of the chosen operations before its position",
  'IronFleet RSL, StateMachine: app state is the fold; ReplyCache: cached replies are those of chosen requests',
  (s, _host, c: RsmCluster) => foldDifference(s, c),
);

/** By change: where the step changed them, they equal the fold; one that is many operations ahead was transferred and is compared in full. */
const statesAreFolds: Invariant = {
  ...statesFromScratch,
  checkChange: (cluster: RsmCluster, change: RsmChange) => {
    const { before, after, host } = change;
    if (before === undefined || after === undefined || before.executor === after.executor)
      return statesFromScratch.checkChange(cluster, { ...change, host: undefined });
    const fold = cluster.history.folds[after.executor.opsComplete];
    const small =
      fold !== undefined &&
      changedEqual(before.executor.app, after.executor.app, fold.app) === undefined &&
      changedEqual(before.executor.replies, after.executor.replies, fold.answers) === undefined;
    const changeOnly: RsmChange = { ...change, host: small ? undefined : (host as EndPoint) };
    return statesFromScratch.checkChange(cluster, changeOnly);
  },
};

/** Weakest first. */
export const replicaInvariants: readonly Invariant[] = [
  quorumsIntersect,
  ballotsNeverDecrease,
  positionsOnlyGrow,
  countedPromisesWereSent,
  votesAreBelowMaxBal,
  truncatedWasExecuted,
  slotsAreBacked,
  decidedWasChosen,
  statesAreFolds,
];
