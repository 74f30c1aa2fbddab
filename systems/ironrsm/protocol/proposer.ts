/** The proposer's steps (README.md, "request", "1b", "enterNewView", "enterPhase2", "nominate"). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { successor } from '../../../src/spec/nat.js';
import { type Batch, ballotOrd, type Message, type Request, type Vote } from '../messages.js';
import { truncatedTo } from './acceptor.js';
import { ballotBefore, merged, recorded } from './election.js';
import { type Proposer, packetTo, type Queue, quorumOf, type Replica, toAll } from './state.js';
import type { Effect } from './step.js';

const appended = (q: Queue, r: Request): Queue => ({
  first: q.first,
  next: successor(q.next),
  items: q.items.set(q.next, r),
});

export const processRequest = (s: Replica, r: Request): Effect => {
  if (r.value.length > s.constants.configuration.parameters.requestBytesMax) {
    const refusal = packetTo(s, r.client, { tag: 'refused', seqno: r.seqno, reason: 'REQUEST_TOO_LARGE' });
    return { state: s, sends: [refusal] };
  }
  const answer = s.executor.replies.get(r.client);
  if (answer !== undefined && answer.seqno >= r.seqno) {
    const again = packetTo(s, r.client, { tag: 'reply', seqno: answer.seqno, value: answer.value });
    return { state: s, sends: answer.seqno === r.seqno ? [again] : [] };
  }
  const election = recorded(s.election, r);
  const p = s.proposer;
  const mine = p.phase !== 'idle' && ballotOrd.equals(p.ballot, s.election.view);
  if (!mine || (p.queued.get(r.client) ?? -1) >= r.seqno) return { state: { ...s, election }, sends: [] };
  const proposer: Proposer = { ...p, queue: appended(p.queue, r), queued: p.queued.set(r.client, r.seqno) };
  return { state: { ...s, election, proposer }, sends: [] };
};

export const process1b = (s: Replica, sender: number, m: Message<'1b'>): Effect => {
  const p = s.proposer;
  const counts = p.phase === 'phase1' && ballotOrd.equals(m.ballot, p.ballot) && !p.promises.has(sender);
  if (!counts) return { state: s, sends: [] };
  const votes = PersistentMap.of(m.votes.map((v): [number, Vote] => [v.opn, { ballot: v.ballot, batch: v.batch }]));
  const votedMax = m.votes.reduce((max, v) => Math.max(max, v.opn), p.votedMax);
  const promises = p.promises.set(sender, { truncationPoint: m.truncationPoint, votes });
  const acceptor = truncatedTo(s.acceptor, m.truncationPoint);
  return { state: { ...s, acceptor, proposer: { ...p, promises, votedMax } }, sends: [] };
};

/** The queue of a new ballot: every request that this replica knows of and has not seen executed. */
const queueAnew = (s: Replica): Pick<Proposer, 'queue' | 'queued'> => {
  const known = [...merged(s.election.waiting, s.election.fresh).values()];
  known.sort((a, b) => (a.client < b.client ? -1 : a.client > b.client ? 1 : 0));
  const { next } = s.proposer.queue;
  const empty: Queue = { first: next, next, items: PersistentMap.empty() };
  return {
    queue: known.reduce(appended, empty),
    queued: PersistentMap.of(known.map((r): [Request['client'], number] => [r.client, r.seqno])),
  };
};

/** `undefined` unless the view is this replica's and above its ballot. */
export const newViewEntered = (s: Replica): Effect | undefined => {
  const { view } = s.election;
  if (view.proposer !== s.constants.index || !ballotBefore(s.proposer.ballot, view)) return undefined;
  const proposer: Proposer = {
    ...s.proposer,
    ...queueAnew(s),
    phase: 'phase1',
    ballot: view,
    promises: PersistentMap.empty(),
    votedMax: -1,
  };
  return { state: { ...s, proposer }, sends: toAll(s, { tag: '1a', ballot: view }) };
};

/** `undefined` without promises of a quorum. */
export const phase2Entered = (s: Replica): Effect | undefined => {
  const p = s.proposer;
  if (p.phase !== 'phase1' || p.promises.size < quorumOf(s.constants)) return undefined;
  const { truncationPoint } = s.acceptor;
  const proposer: Proposer = { ...p, phase: 'phase2', nextOpn: truncationPoint };
  return { state: { ...s, proposer }, sends: toAll(s, { tag: 'startingPhase2', ballot: p.ballot, truncationPoint }) };
};

/** Of the votes that the promises report for `opn`, that of the highest ballot (Paxos Made Simple, phase 2a). */
const highestVote = (p: Proposer, opn: number): Vote | undefined => {
  let highest: Vote | undefined;
  if (opn > p.votedMax) return highest;
  for (const promise of p.promises.values()) {
    const vote = promise.votes.get(opn);
    if (vote !== undefined && (highest === undefined || ballotBefore(highest.ballot, vote.ballot))) highest = vote;
  }
  return highest;
};

const firstOf = (q: Queue, count: number): Batch => {
  const batch: Request[] = [];
  for (let i = q.first; i < q.first + count; i++) batch.push(q.items.get(i) as Request);
  return batch;
};

const dropped = (q: Queue, count: number): Queue => {
  if (count === 0) return q;
  const items = q.items.withMutations((draft) => {
    for (let i = q.first; i < q.first + count; i++) draft.delete(i);
  });
  return { first: q.first + count, next: q.next, items };
};

/** `undefined` where the proposal is not allowed. */
export const nominated = (s: Replica, count: number): Effect | undefined => {
  const p = s.proposer;
  const { logLengthMax, batchRequestsMax } = s.constants.configuration.parameters;
  const mayPropose = p.phase === 'phase2' && ballotOrd.equals(p.ballot, s.election.view);
  // A quorum has executed what lies below the truncation point: there is nothing left to propose there.
  const opn = Math.max(p.nextOpn, s.acceptor.truncationPoint);
  if (!mayPropose || opn >= s.acceptor.truncationPoint + logLengthMax) return undefined;
  const vote = highestVote(p, opn);
  const fillsGap = count === 0 && p.votedMax > opn;
  const fromQueue =
    Number.isInteger(count) && count >= 1 && count <= batchRequestsMax && count <= p.queue.next - p.queue.first;
  if (vote !== undefined ? count !== 0 : !(fillsGap || fromQueue)) return undefined;
  const batch = vote !== undefined ? vote.batch : firstOf(p.queue, count);
  const proposer: Proposer = { ...p, queue: dropped(p.queue, count), nextOpn: successor(opn) };
  return { state: { ...s, proposer }, sends: toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }) };
};
