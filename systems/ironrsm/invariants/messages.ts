/** Invariants about what was sent (IronFleet's RSL proof, CommonProof and Message1b, 2a, 2b files; Paxos Made Simple, section 2.2). */
import { type ClusterInvariant, type Evidence, everyPacket, ofHistory } from '../../../src/refinement/cluster.js';
import { equalValues } from '../../../src/refinement/values.js';
import { equalBytes } from '../../../src/spec/bytes.js';
import type { Packet } from '../../../src/spec/packet.js';
import {
  type Ballotted,
  ballotOrder,
  ballotText,
  type Promised,
  type RsmCluster,
  type RsmHistory,
} from '../history.js';
import { type Ballot, type Cursor, digestOf, type Message, type RsmMessage } from '../messages.js';
import type { Replica } from '../protocol.js';

type Invariant = ClusterInvariant<Replica, RsmMessage, RsmHistory>;

const before = (a: Ballot, b: Ballot): boolean => ballotOrder(a, b) < 0;

/** The replica index of a packet's source, `undefined` for strangers, about whom nothing is claimed. */
const senderOf = (p: Packet<unknown>, c: RsmCluster): number | undefined => {
  const i = c.history.configuration.replicas.indexOf(p.source);
  return i < 0 ? undefined : i;
};

export const ballotsNameTheirProposer: Invariant = everyPacket(
  "a 1a's ballot carries its sender's index",
  'IronFleet RSL, Packets and CommonProof: ballots are unique to their proposer',
  '1a',
  (p, c) => {
    const sender = senderOf(p, c);
    return sender === undefined || p.message.ballot.proposer === sender
      ? undefined
      : { sender, ballot: p.message.ballot };
  },
);

const voteBetween = (
  votes: Iterable<Ballotted>,
  sender: number,
  above: Ballot | undefined,
  below: Ballot,
): Ballotted | undefined => {
  for (const v of votes) {
    const inside = before(v.ballot, below) && (above === undefined || before(above, v.ballot));
    if (inside && v.senders.has(sender)) return v;
  }
  return undefined;
};

/** A vote of the 1b's sender, below its ballot, that the 1b hides: it reports none for the operation, or an older one. */
const hiddenVote = (promised: Promised, opn: number, history: RsmHistory): Evidence => {
  const { sender, message } = promised;
  if (opn < message.truncationPoint) return undefined;
  const report = message.votes.find((v) => v.opn === opn)?.ballot;
  const hidden = voteBetween(history.votes.get(opn) ?? [], sender, report, message.ballot);
  return hidden && { sender, opn, ballot: message.ballot, hidden: hidden.ballot, reported: report ?? 'none' };
};

const promisesConstrainVotes: Invariant = everyPacket(
  "a 1b reports its sender's votes below its ballot",
  'IronFleet RSL, Message1b invariants: OneBPacket constrains 2b',
  '1b',
  (p, c) => {
    const sender = senderOf(p, c);
    if (sender === undefined) return undefined;
    for (const opn of c.history.votes.keys()) {
      const evidence = hiddenVote({ sender, message: p.message }, opn, c.history);
      if (evidence !== undefined) return evidence;
    }
    return undefined;
  },
);

const votesRespectPromises: Invariant = everyPacket(
  'no acceptor votes below a ballot that it promised, unless the 1b reports the vote',
  'IronFleet RSL, Message1b invariants: OneBPacket constrains 2b',
  '2b',
  (p, c) => {
    const sender = senderOf(p, c);
    if (sender === undefined) return undefined;
    for (const promises of c.history.promises.values()) {
      for (const promised of promises) {
        if (promised.sender !== sender) continue;
        const evidence = hiddenVote(promised, p.message.opn, c.history);
        if (evidence !== undefined) return evidence;
      }
    }
    return undefined;
  },
);

const reportedVotesWereProposed: Invariant = everyPacket(
  'a vote that a 1b reports is of an earlier ballot and had its 2a',
  'IronFleet RSL, Message1b invariants: 1b vote has valid ballot and a 2a',
  '1b',
  (p, c) => {
    if (senderOf(p, c) === undefined) return undefined;
    for (const vote of p.message.votes) {
      const proposed = c.history.proposed(vote.opn, vote.ballot);
      const backed = proposed !== undefined && equalBytes(proposed.batch, vote.batch);
      if (!backed || !before(vote.ballot, p.message.ballot))
        return { ballot: p.message.ballot, opn: vote.opn, voteBallot: vote.ballot, backed };
    }
    return undefined;
  },
);

const oneValueForABallot: Invariant = ofHistory(
  "one value for each ballot and operation in the 2a's",
  'IronFleet RSL, Message2a invariants: 2a messages from the same ballot and operation match',
  (c) => c.history.proposalConflict && { ...c.history.proposalConflict },
);

const votesHaveProposals: Invariant = everyPacket(
  'a 2b has a 2a with its ballot, operation number and digest',
  'IronFleet RSL, Message2b invariants: 2b message has a corresponding 2a; votes by digest: README.md, "Messages"',
  '2b',
  (p, c) => {
    if (senderOf(p, c) === undefined) return undefined;
    const { ballot, opn, digest } = p.message;
    const proposed = c.history.proposed(opn, ballot);
    return proposed !== undefined && equalBytes(proposed.digest, digest)
      ? undefined
      : { ballot, opn, proposed: proposed === undefined ? 'nothing' : 'another batch' };
  },
);

/** Whether some set of these promises, one for each of a majority, permits to propose `m`. */
const permits = (promises: readonly Promised[], replicas: number, m: Message<'2a'>): boolean => {
  const usable = promises.filter((p) => p.message.truncationPoint <= m.opn);
  // A set permits m if its highest vote for the operation has m's value, or it has no vote. So choose a bound b: the promises
  // whose vote is at most b, for each b that is the ballot of a vote for m's value (or: no vote at all).
  const voteOf = (p: Promised) => p.message.votes.find((v) => v.opn === m.opn);
  const senders = (among: readonly Promised[]): number => new Set(among.map((p) => p.sender)).size;
  const silent = usable.filter((p) => voteOf(p) === undefined);
  if (2 * senders(silent) > replicas) return true;
  return usable.some((bound) => {
    const highest = voteOf(bound);
    if (highest === undefined || !equalBytes(highest.batch, m.batch)) return false;
    const within = usable.filter((p) => {
      const vote = voteOf(p);
      return vote === undefined || ballotOrder(vote.ballot, highest.ballot) <= 0;
    });
    return 2 * senders(within) > replicas;
  });
};

const proposalsArePermitted: Invariant = everyPacket(
  "a 2a has a quorum of 1b's that permits it",
  'IronFleet RSL, Message2a invariants: 2a has a valid 1b quorum; Paxos Made Simple, P2c',
  '2a',
  (p, c) => {
    if (senderOf(p, c) === undefined) return undefined;
    const { ballot, opn } = p.message;
    const promises = c.history.promises.get(ballotText(ballot)) ?? [];
    if (permits(promises, c.history.configuration.replicas.length, p.message)) return undefined;
    return { ballot, opn, promises: promises.map((x) => x.sender) };
  },
);

const chosenQuorumsMatch: Invariant = ofHistory(
  'the digests that quorums chose for an operation agree, and name one batch',
  'IronFleet RSL, Chosen: ChosenQuorumsMatchValue; votes by digest: README.md, "Messages"',
  (c) => c.history.chosenConflict && { ...c.history.chosenConflict },
);

const suppliedBatchesWereProposed: Invariant = everyPacket(
  'a batch that an acceptor supplies is that of the ballot and operation',
  'votes by digest: README.md, "batchRequest"',
  'batchSupply',
  (p, c) => {
    if (senderOf(p, c) === undefined) return undefined;
    const { ballot, opn, batch } = p.message;
    const proposed = c.history.proposed(opn, ballot);
    return proposed !== undefined && equalBytes(proposed.batch, batch)
      ? undefined
      : { ballot, opn, proposed: proposed === undefined ? 'nothing' : 'another batch' };
  },
);

const suppliedOperationsWereChosen: Invariant = everyPacket(
  'the batches of a catch-up were chosen, and its sender executed no more than was chosen',
  'README.md, "catchUpRequest"; IronFleet RSL, Execution: DecidedOperationWasChosen',
  'catchUpSupply',
  (p, c) => {
    const sender = senderOf(p, c);
    if (sender === undefined) return undefined;
    const { opn, batches, opsComplete } = p.message;
    if (opsComplete >= c.history.folds.length) return { sender, opsComplete, chosen: c.history.folds.length - 1 };
    for (const [i, batch] of batches.entries()) {
      const chosen = c.history.chosen.get(opn + i);
      if (chosen === undefined || !equalBytes(chosen, batch))
        return { sender, opn: opn + i, chosen: chosen === undefined ? 'nothing' : 'another batch' };
    }
    return undefined;
  },
);

/** The piece of the fold at a cursor. Its cost is that of the piece: the sessions' bytes are kept, and the application cuts its own state. */
const foldedPiece = ({ opn, at }: Message<'statePiece'>, history: RsmHistory): FoldedPiece | undefined => {
  const { app, parameters } = history.configuration;
  const fold = history.folds[opn];
  const sessions = history.sessionsAt(opn);
  if (fold === undefined || sessions === undefined) return undefined;
  if (at.tag === 'app') {
    const piece = app.piece(fold.app, at.after, parameters.pieceBytesMax);
    return piece && { bytes: piece.bytes, next: piece.next === null ? null : { tag: 'app', after: piece.next } };
  }
  const end = Math.min(sessions.length, at.offset + parameters.pieceBytesMax);
  if (at.offset >= end) return undefined;
  const rest: Cursor = end < sessions.length ? { tag: 'sessions', offset: end } : { tag: 'app', after: null };
  return { bytes: sessions.subarray(at.offset, end), next: rest };
};

interface FoldedPiece {
  readonly bytes: Uint8Array;
  readonly next: Cursor | null;
}

const piecesAreOfTheFold: Invariant = everyPacket(
  "a piece of a state is that of the fold of the chosen operations before it, with that piece's digest",
  'IronFleet RSL, StateMachine: TransferredStatesAreConsistent; README.md, "The state on the wire"',
  'statePiece',
  (p, c) => {
    const sender = senderOf(p, c);
    if (sender === undefined) return undefined;
    const { opn, at, bytes, next, digest } = p.message;
    const piece = foldedPiece(p.message, c.history);
    if (piece === undefined) return { sender, opn, at, chosen: c.history.folds.length - 1 };
    const same = equalBytes(piece.bytes, bytes);
    const sameNext = equalValues(piece.next, next);
    const sameDigest = equalBytes(digestOf(bytes), digest);
    return same && sameNext && sameDigest ? undefined : { sender, opn, at, same, sameNext, sameDigest };
  },
);

/** In the order of strength: the first that is false says most about what went wrong. */
export const messageInvariants: readonly Invariant[] = [
  ballotsNameTheirProposer,
  reportedVotesWereProposed,
  promisesConstrainVotes,
  votesRespectPromises,
  oneValueForABallot,
  proposalsArePermitted,
  votesHaveProposals,
  chosenQuorumsMatch,
  suppliedBatchesWereProposed,
  suppliedOperationsWereChosen,
  piecesAreOfTheFold,
];
