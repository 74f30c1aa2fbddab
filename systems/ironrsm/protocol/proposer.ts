/** The proposer's steps (README.md, "open", "request", "1b", "enterNewView", "enterPhase2", "nominate"). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import {
  ballotOrd,
  batchCodec,
  type Message,
  type Refusal,
  type Request,
  type RsmMessage,
  requestDigest,
} from '../messages.js';
import { truncatedTo } from './acceptor.js';
import { ballotBefore, heldOrFull, keyOf, merged } from './election.js';
import { doneOf } from './machine.js';
import { type PromisedVote, type Proposer, packetTo, type Queue, quorumOf, type Replica, toAll } from './state.js';
import { type Effect, nothing } from './step.js';

const appended = (q: Queue<Request>, r: Request): Queue<Request> => ({
  first: q.first,
  next: successor(q.next),
  items: q.items.set(q.next, r),
});

/** Whether this replica's ballot is the view, and it has begun to prepare or lead it. */
export const isMine = (s: Replica): boolean =>
  s.proposer.phase !== 'idle' && ballotOrd.equals(s.proposer.ballot, s.election.view);

/** Whether this replica's ballot is the view, and it may propose. */
export const isLeading = (s: Replica): boolean => s.proposer.phase === 'phase2' && isMine(s);

const held = (s: Replica, r: Request): Effect => {
  const mine = isMine(s);
  const { view } = s.election;
  const elsewhere = !mine && view.proposer !== s.constants.index;
  const sends: readonly Packet<RsmMessage>[] = elsewhere ? [packetTo(s, r.client, { tag: 'redirect', view })] : [];
  const key = keyOf(r, s.constants.configuration.parameters.sessionWindow);
  if (heldOrFull(s, key, r)) return { state: s, sends };
  const election = { ...s.election, fresh: s.election.fresh.set(key, r) };
  if (!mine) return { state: { ...s, election }, sends };
  const p = s.proposer;
  return { state: { ...s, election, proposer: { ...p, queue: appended(p.queue, r) } }, sends };
};

export const processOpen = (s: Replica, client: EndPoint, { nonce, ordered }: Message<'open'>): Effect =>
  held(s, { tag: 'open', client, nonce, ordered });

export const processRequest = (s: Replica, client: EndPoint, m: Message<'request'>): Effect => {
  const { session, seqno, floor, value } = m;
  const { requestBytesMax, sessionWindow } = s.constants.configuration.parameters;
  const answer = (message: RsmMessage): Effect => ({ state: s, sends: [packetTo(s, client, message)] });
  const refused = (reason: Refusal): Effect => answer({ tag: 'refused', session, seqno, reason });
  if (value.length > requestBytesMax) return refused('REQUEST_TOO_LARGE');
  const { sessions } = s.executor.machine;
  if (floor > seqno || session >= sessions.nextSession) return nothing(s);
  const live = sessions.live.get(session);
  if (live === undefined) return refused('SESSION_EXPIRED');
  if (seqno < live.floor) return nothing(s);
  const done = doneOf(sessions, session, seqno, sessionWindow);
  if (done !== undefined) {
    if (done.digest !== requestDigest(value)) return refused('SEQNO_REUSED');
    return answer({ tag: 'reply', session, seqno, value: done.reply });
  }
  if (seqno - Math.max(live.floor, floor) >= sessionWindow) return nothing(s);
  return held(s, { tag: 'execute', client, session, seqno, floor, value });
};

export const process1b = (s: Replica, sender: number, m: Message<'1b'>): Effect => {
  const p = s.proposer;
  const counts = p.phase === 'phase1' && ballotOrd.equals(m.ballot, p.ballot) && !p.promises.has(sender);
  if (!counts) return nothing(s);
  const votes = PersistentMap.of(
    m.votes.map((v): [number, PromisedVote] => [v.opn, { ballot: v.ballot, batch: v.batch }]),
  );
  const votedMax = m.votes.reduce((max, v) => Math.max(max, v.opn), p.votedMax);
  const promises = p.promises.set(sender, { truncationPoint: m.truncationPoint, votes });
  const acceptor = truncatedTo(s.acceptor, m.truncationPoint);
  return nothing({ ...s, acceptor, proposer: { ...p, promises, votedMax } });
};

/** Of one session in the order of its seqnos, as an ordered session needs it; those who open one come last. */
const inOrder = (a: Request, b: Request): number => {
  if (a.tag === 'execute') return b.tag === 'execute' ? a.session - b.session || a.seqno - b.seqno : -1;
  if (b.tag === 'execute') return 1;
  const [x, y] = [`${a.client}#${a.nonce}`, `${b.client}#${b.nonce}`];
  return x < y ? -1 : x > y ? 1 : 0;
};

/** The queue of a new ballot: every request that this replica holds. */
const queueAnew = (s: Replica): Queue<Request> => {
  const known = [...merged(s.election.waiting, s.election.fresh).values()].sort(inOrder);
  const { next } = s.proposer.queue;
  return {
    first: next,
    next: next + known.length,
    items: PersistentMap.of(known.map((r, i): [number, Request] => [next + i, r])),
  };
};

/** `undefined` unless the view is this replica's and above its ballot. */
export const newViewEntered = (s: Replica): Effect | undefined => {
  const { view } = s.election;
  if (view.proposer !== s.constants.index || !ballotBefore(s.proposer.ballot, view)) return undefined;
  const proposer: Proposer = {
    ...s.proposer,
    queue: queueAnew(s),
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
  return nothing({ ...s, proposer: { ...p, phase: 'phase2', nextOpn: s.acceptor.truncationPoint } });
};

/** Of the votes that the promises report for `opn`, that of the highest ballot (Paxos Made Simple, phase 2a). */
const highestVote = (p: Proposer, opn: number): PromisedVote | undefined => {
  let highest: PromisedVote | undefined;
  if (opn > p.votedMax) return highest;
  for (const promise of p.promises.values()) {
    const vote = promise.votes.get(opn);
    if (vote !== undefined && (highest === undefined || ballotBefore(highest.ballot, vote.ballot))) highest = vote;
  }
  return highest;
};

/** The first `count` requests as a batch; `undefined` where the queue has fewer, or they are too many. */
const batchOf = (s: Replica, count: number): Uint8Array | undefined => {
  const { queue: q, votedMax, nextOpn } = s.proposer;
  const { batchRequestsMax, batchBytesMax, voteBytesMax } = s.constants.configuration.parameters;
  if (!Number.isInteger(count) || count < 0 || count > batchRequestsMax || count > q.next - q.first) return undefined;
  // Nothing is proposed without a reason: a request, or a vote for a later operation.
  if (count === 0 && votedMax <= Math.max(nextOpn, s.acceptor.truncationPoint)) return undefined;
  if (count > 0 && s.acceptor.voteBytes >= voteBytesMax) return undefined;
  const requests: Request[] = [];
  for (let i = q.first; i < q.first + count; i++) requests.push(q.items.get(i) as Request);
  const batch = batchCodec.encode(requests);
  return count > 1 && batch.length > batchBytesMax ? undefined : batch;
};

const dropped = (q: Queue<Request>, count: number): Queue<Request> => {
  if (count === 0) return q;
  const items = q.items.withMutations((draft) => {
    for (let i = q.first; i < q.first + count; i++) draft.delete(i);
  });
  return { first: q.first + count, next: q.next, items };
};

/** `undefined` where the proposal is not allowed. */
export const nominated = (s: Replica, count: number): Effect | undefined => {
  const p = s.proposer;
  // A quorum has executed what lies below the truncation point: there is nothing left to propose there.
  const { truncationPoint } = s.acceptor;
  const opn = Math.max(p.nextOpn, truncationPoint);
  if (!isLeading(s) || opn - truncationPoint >= s.constants.configuration.parameters.logLengthMax) return undefined;
  const vote = highestVote(p, opn);
  if (vote !== undefined && count !== 0) return undefined;
  const batch = vote === undefined ? batchOf(s, count) : vote.batch;
  if (batch === undefined) return undefined;
  const proposer: Proposer = { ...p, queue: dropped(p.queue, count), nextOpn: successor(opn) };
  return { state: { ...s, proposer }, sends: toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }) };
};
