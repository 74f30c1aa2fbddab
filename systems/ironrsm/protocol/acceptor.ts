/** The acceptor's steps (README.md, "1a", "2a", "batchRequest", "truncate"; Lamport, Paxos Made Simple, phases 1b and 2b). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { Ord } from '../../../src/spec/prelude.js';
import { ballotOrd, digestOf, type Message, type ReportedVote, type RsmMessage } from '../messages.js';
import { type Acceptor, packetTo, quorumOf, type Replica, toAll, type Vote } from './state.js';
import { type Effect, nothing } from './step.js';

const { equals } = ballotOrd;
const lt = Ord.lt(ballotOrd);

/** Drops the votes below `point`, if that lies above the truncation point. */
export const truncatedTo = (a: Acceptor, point: number): Acceptor => {
  if (point <= a.truncationPoint) return a;
  let { voteBytes } = a;
  const votes = a.votes.withMutations((draft) => {
    const drop = (opn: number): void => {
      const vote = draft.get(opn);
      if (vote === undefined) return;
      voteBytes -= vote.batch.length;
      draft.delete(opn);
    };
    // Walks the shorter of the two: the gap that opens, or the votes that exist.
    if (point - a.truncationPoint <= a.votes.size) for (let opn = a.truncationPoint; opn < point; opn++) drop(opn);
    else for (const opn of a.votes.keys()) if (opn < point) drop(opn);
  });
  return { ...a, votes, voteBytes, truncationPoint: point };
};

const reported = (a: Acceptor): readonly ReportedVote[] =>
  [...a.votes].map(([opn, vote]) => ({ opn, ballot: vote.ballot, batch: vote.batch })).sort((x, y) => x.opn - y.opn);

const promise = (s: Replica, a: Acceptor, to: EndPoint): readonly ReturnType<typeof packetTo>[] => {
  const message: RsmMessage = { tag: '1b', ballot: a.maxBal, truncationPoint: a.truncationPoint, votes: reported(a) };
  return [packetTo(s, to, message)];
};

export const process1a = (s: Replica, sender: number, source: EndPoint, m: Message<'1a'>): Effect => {
  const a = s.acceptor;
  if (m.ballot.proposer !== sender || lt(m.ballot, a.maxBal)) return nothing(s);
  if (equals(m.ballot, a.maxBal)) {
    // A retransmitted 1a. Once a vote has this ballot its proposer has its quorum, and a 1b may only report earlier ballots.
    for (const vote of a.votes.values()) if (equals(vote.ballot, a.maxBal)) return nothing(s);
    return { state: s, sends: promise(s, a, source) };
  }
  const promised: Acceptor = { ...a, maxBal: m.ballot };
  return { state: { ...s, acceptor: promised }, sends: promise(s, promised, source) };
};

export const process2a = (s: Replica, sender: number, m: Message<'2a'>): Effect => {
  const a = s.acceptor;
  const { ballot, opn, batch } = m;
  const tooLate = lt(ballot, a.maxBal) || opn < a.truncationPoint;
  if (ballot.proposer !== sender || tooLate) return nothing(s);
  const { logLengthMax } = s.constants.configuration.parameters;
  const room = truncatedTo(a, opn - logLengthMax + 1);
  const vote: Vote = { ballot, batch, digest: digestOf(batch) };
  const voteBytes = room.voteBytes + batch.length - (room.votes.get(opn)?.batch.length ?? 0);
  const maxBal = equals(ballot, a.maxBal) ? a.maxBal : ballot;
  const acceptor: Acceptor = { ...room, maxBal, voteBytes, votes: room.votes.set(opn, vote) };
  return { state: { ...s, acceptor }, sends: toAll(s, { tag: '2b', ballot, opn, digest: vote.digest }) };
};

export const processBatchRequest = (s: Replica, source: EndPoint, { ballot, opn }: Message<'batchRequest'>): Effect => {
  const vote = s.acceptor.votes.get(opn);
  if (vote === undefined || !equals(vote.ballot, ballot)) return nothing(s);
  return { state: s, sends: [packetTo(s, source, { tag: 'batchSupply', ballot, opn, batch: vote.batch })] };
};

/** `undefined` unless a quorum, and this replica itself, executed past the truncation point. */
export const truncated = (s: Replica): Effect | undefined => {
  const descending = [...s.acceptor.checkpoints].sort((x, y) => y - x);
  const quorumCheckpoint = descending[quorumOf(s.constants) - 1] ?? 0;
  const point = Math.min(quorumCheckpoint, s.executor.opsComplete);
  if (point <= s.acceptor.truncationPoint) return undefined;
  return nothing({ ...s, acceptor: truncatedTo(s.acceptor, point) });
};
