/** The acceptor's steps (README.md, "1a", "2a", "truncate"; Lamport, Paxos Made Simple, phases 1b and 2b). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { Ord } from '../../../src/spec/prelude.js';
import { ballotOrd, type Message, type ReportedVote, type RsmMessage } from '../messages.js';
import { type Acceptor, packetTo, quorumOf, type Replica, toAll } from './state.js';
import type { Effect } from './step.js';

const { equals } = ballotOrd;
const lt = Ord.lt(ballotOrd);

/** Drops the votes below `point`, if that lies above the truncation point. */
export const truncatedTo = (a: Acceptor, point: number): Acceptor => {
  if (point <= a.truncationPoint) return a;
  const votes = a.votes.withMutations((draft) => {
    // Walks the shorter of the two: the gap that opens, or the votes that exist.
    if (point - a.truncationPoint <= a.votes.size)
      for (let opn = a.truncationPoint; opn < point; opn++) draft.delete(opn);
    else for (const opn of a.votes.keys()) if (opn < point) draft.delete(opn);
  });
  return { ...a, votes, truncationPoint: point };
};

const reported = (a: Acceptor): readonly ReportedVote[] =>
  [...a.votes].map(([opn, vote]) => ({ opn, ballot: vote.ballot, batch: vote.batch })).sort((x, y) => x.opn - y.opn);

const promise = (s: Replica, a: Acceptor, to: EndPoint): readonly ReturnType<typeof packetTo>[] => {
  const message: RsmMessage = { tag: '1b', ballot: a.maxBal, truncationPoint: a.truncationPoint, votes: reported(a) };
  return [packetTo(s, to, message)];
};

export const process1a = (s: Replica, sender: number, source: EndPoint, m: Message<'1a'>): Effect => {
  const a = s.acceptor;
  if (m.ballot.proposer !== sender || lt(m.ballot, a.maxBal)) return { state: s, sends: [] };
  if (equals(m.ballot, a.maxBal)) {
    // A retransmitted 1a. Once a vote has this ballot its proposer has its quorum, and a 1b may only report earlier ballots.
    for (const vote of a.votes.values()) if (equals(vote.ballot, a.maxBal)) return { state: s, sends: [] };
    return { state: s, sends: promise(s, a, source) };
  }
  const promised: Acceptor = { ...a, maxBal: m.ballot };
  return { state: { ...s, acceptor: promised }, sends: promise(s, promised, source) };
};

export const process2a = (s: Replica, sender: number, m: Message<'2a'>): Effect => {
  const a = s.acceptor;
  const tooLate = lt(m.ballot, a.maxBal) || m.opn < a.truncationPoint;
  if (m.ballot.proposer !== sender || tooLate) return { state: s, sends: [] };
  const { logLengthMax } = s.constants.configuration.parameters;
  const room = truncatedTo(a, m.opn - logLengthMax + 1);
  const votes = room.votes.set(m.opn, { ballot: m.ballot, batch: m.batch });
  const acceptor: Acceptor = { ...room, maxBal: equals(m.ballot, a.maxBal) ? a.maxBal : m.ballot, votes };
  const sends = toAll(s, { tag: '2b', ballot: m.ballot, opn: m.opn, batch: m.batch });
  return { state: { ...s, acceptor }, sends };
};

/** The highest operation number that a quorum reported as executed. */
export const quorumCheckpoint = (s: Replica): number => {
  const descending = [...s.acceptor.checkpoints].sort((x, y) => y - x);
  return descending[quorumOf(s.constants) - 1] ?? 0;
};
