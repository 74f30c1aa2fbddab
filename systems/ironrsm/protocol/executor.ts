/** Learning and execution (README.md, "2b", "decide", "execute", "appStateRequest", "appStateSupply"; IronFleet, section 5.1). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { E } from '../../../src/spec/prelude.js';
import { type Batch, ballotOrd, type CachedReply, type Message, type RsmMessage } from '../messages.js';
import { ballotBefore, forgetting } from './election.js';
import { type Answer, packetTo, quorumOf, type Replica, type Slot, toOthers } from './state.js';
import type { Effect } from './step.js';

export const process2b = (s: Replica, sender: number, m: Message<'2b'>): Replica => {
  const { opsComplete, decided } = s.executor;
  const { logLengthMax } = s.constants.configuration.parameters;
  const learnable = m.opn > opsComplete || (m.opn === opsComplete && decided === null);
  const l = s.learner;
  if (!learnable || m.opn >= opsComplete + logLengthMax || ballotBefore(m.ballot, l.maxBal)) return s;
  const alone: Slot = { batch: m.batch, senders: [sender] };
  if (!ballotOrd.equals(m.ballot, l.maxBal)) {
    // Votes of different ballots never add up to a quorum.
    return { ...s, learner: { maxBal: m.ballot, slots: PersistentMap.of([[m.opn, alone]]) } };
  }
  const slot = l.slots.get(m.opn);
  if (slot?.senders.includes(sender)) return s;
  const senders = slot === undefined ? alone.senders : [...slot.senders, sender].sort((a, b) => a - b);
  return { ...s, learner: { ...l, slots: l.slots.set(m.opn, { batch: slot?.batch ?? m.batch, senders }) } };
};

/** `undefined` unless a quorum voted for the next operation. */
export const decided = (s: Replica): Effect | undefined => {
  const slot = s.learner.slots.get(s.executor.opsComplete);
  if (s.executor.decided !== null || slot === undefined || slot.senders.length < quorumOf(s.constants))
    return undefined;
  const vote = { ballot: s.learner.maxBal, batch: slot.batch };
  return { state: { ...s, executor: { ...s.executor, decided: vote } }, sends: [] };
};

interface Executed {
  readonly app: unknown;
  readonly replies: PersistentMap<EndPoint, Answer>;
  readonly sends: readonly Packet<RsmMessage>[];
}

/** Runs a batch in order; a request that was executed before is answered from the cache, and is never executed again. */
const run = (s: Replica, batch: Batch): Executed => {
  const application = s.constants.configuration.app;
  let { app } = s.executor;
  const sends: Packet<RsmMessage>[] = [];
  const replies = s.executor.replies.withMutations((draft) => {
    for (const r of batch) {
      let answer = draft.get(r.client);
      if (answer !== undefined && answer.seqno > r.seqno) continue;
      if (answer === undefined || answer.seqno < r.seqno) {
        const applied = application.apply(app, r.value);
        app = applied.state;
        answer = { seqno: r.seqno, value: applied.reply };
        draft.set(r.client, answer);
      }
      sends.push(packetTo(s, r.client, { tag: 'reply', seqno: answer.seqno, value: answer.value }));
    }
  });
  return { app, replies, sends };
};

/** `undefined` unless the next operation is decided. */
export const executed = (s: Replica): Effect | undefined => {
  const e = s.executor;
  if (e.decided === null) return undefined;
  const { app, replies, sends } = run(s, e.decided.batch);
  const state: Replica = {
    ...s,
    executor: { opsComplete: successor(e.opsComplete), app, replies, decided: null },
    learner: { ...s.learner, slots: s.learner.slots.delete(e.opsComplete) },
    election: forgetting(
      s.election,
      e.decided.batch.map((r): [EndPoint, number] => [r.client, r.seqno]),
    ),
  };
  return { state, sends: e.decided.ballot.proposer === s.constants.index ? sends : [] };
};

export const processStartingPhase2 = (s: Replica, m: Message<'startingPhase2'>): Effect => {
  const behind = m.truncationPoint > s.executor.opsComplete;
  return { state: s, sends: behind ? toOthers(s, { tag: 'appStateRequest', opn: m.truncationPoint }) : [] };
};

export const processAppStateRequest = (s: Replica, source: EndPoint, m: Message<'appStateRequest'>): Effect => {
  const { opsComplete, app, replies } = s.executor;
  if (opsComplete < m.opn) return { state: s, sends: [] };
  const cached = [...replies].map(([client, a]): CachedReply => ({ client, seqno: a.seqno, value: a.value }));
  cached.sort((a, b) => (a.client < b.client ? -1 : 1));
  const snapshot = s.constants.configuration.app.snapshot(app);
  return {
    state: s,
    sends: [packetTo(s, source, { tag: 'appStateSupply', opn: opsComplete, app: snapshot, replies: cached })],
  };
};

export const processAppStateSupply = (s: Replica, m: Message<'appStateSupply'>): Replica => {
  // A state that is older than this replica's would undo operations.
  if (m.opn <= s.executor.opsComplete) return s;
  const app = s.constants.configuration.app.restore(m.app);
  if (E.isLeft(app)) return s;
  const replies = PersistentMap.of(
    m.replies.map((r): [EndPoint, Answer] => [r.client, { seqno: r.seqno, value: r.value }]),
  );
  const slots = s.learner.slots.withMutations((draft) => {
    for (const opn of s.learner.slots.keys()) if (opn < m.opn) draft.delete(opn);
  });
  return {
    ...s,
    executor: { opsComplete: m.opn, app: app.right, replies, decided: null },
    learner: { ...s.learner, slots },
    election: forgetting(
      s.election,
      m.replies.map((r): [EndPoint, number] => [r.client, r.seqno]),
    ),
  };
};
