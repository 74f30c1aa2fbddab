/** The learner's steps (README.md, "2b", "batchSupply", "decide"; IronFleet, SOSP 2015, section 5.1). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { equalBytes } from '../../../src/spec/bytes.js';
import { Ord } from '../../../src/spec/prelude.js';
import { ballotOrd, digestOf, type Message } from '../messages.js';
import { type Decided, quorumOf, type Replica, type Slot } from './state.js';
import { type Effect, nothing } from './step.js';

const lt = Ord.lt(ballotOrd);

export const process2b = (s: Replica, sender: number, m: Message<'2b'>): Replica => {
  const { opsComplete, decided } = s.executor;
  const { logLengthMax } = s.constants.configuration.parameters;
  const learnable = m.opn > opsComplete || (m.opn === opsComplete && decided === null);
  const l = s.learner;
  if (!learnable || m.opn - opsComplete >= logLengthMax || lt(m.ballot, l.maxBal)) return s;
  const alone: Slot = { digest: m.digest, senders: [sender], batch: null };
  if (!ballotOrd.equals(m.ballot, l.maxBal)) {
    // Votes of different ballots never add up to a quorum.
    return { ...s, learner: { maxBal: m.ballot, slots: PersistentMap.of([[m.opn, alone]]) } };
  }
  const slot = l.slots.get(m.opn);
  if (slot === undefined) return { ...s, learner: { ...l, slots: l.slots.set(m.opn, alone) } };
  if (slot.senders.includes(sender) || !equalBytes(slot.digest, m.digest)) return s;
  const senders = [...slot.senders, sender].sort((a, b) => a - b);
  return { ...s, learner: { ...l, slots: l.slots.set(m.opn, { ...slot, senders }) } };
};

export const processBatchSupply = (s: Replica, { ballot, opn, batch }: Message<'batchSupply'>): Replica => {
  const l = s.learner;
  const slot = l.slots.get(opn);
  if (slot === undefined || slot.batch !== null || !ballotOrd.equals(ballot, l.maxBal)) return s;
  if (!equalBytes(slot.digest, digestOf(batch))) return s;
  return { ...s, learner: { ...l, slots: l.slots.set(opn, { ...slot, batch }) } };
};

/** The slot of the next operation, if a quorum voted for it and nothing is decided. */
const chosenSlot = (s: Replica): Slot | undefined => {
  const slot = s.learner.slots.get(s.executor.opsComplete);
  if (s.executor.decided !== null || slot === undefined) return undefined;
  return slot.senders.length < quorumOf(s.constants) ? undefined : slot;
};

/** The batch that a slot's digest names, where this replica knows it. */
const batchOf = (s: Replica, opn: number, slot: Slot): Uint8Array | null => {
  const vote = s.acceptor.votes.get(opn);
  const own = vote !== undefined && ballotOrd.equals(vote.ballot, s.learner.maxBal);
  return own && equalBytes(vote.digest, slot.digest) ? vote.batch : slot.batch;
};

const next = (s: Replica): Decided | undefined => {
  const { opsComplete } = s.executor;
  const slot = chosenSlot(s);
  const batch = slot === undefined ? null : batchOf(s, opsComplete, slot);
  if (batch !== null) return { ballot: s.learner.maxBal, batch };
  const supplied = s.transfer.supplied.get(opsComplete);
  return supplied === undefined ? undefined : { ballot: null, batch: supplied };
};

/** `undefined` unless the next operation's batch is known to be chosen. */
export const decided = (s: Replica): Effect | undefined => {
  const known = s.executor.decided === null ? next(s) : undefined;
  return known && nothing({ ...s, executor: { ...s.executor, decided: known } });
};

/** The replicas that can be asked for the next operation's batch, which a quorum chose and this replica lacks; none where it lacks nothing. */
export const holdersOfMissing = (s: Replica): readonly number[] => {
  const slot = chosenSlot(s);
  if (slot === undefined || batchOf(s, s.executor.opsComplete, slot) !== null) return [];
  return slot.senders.filter((sender) => sender !== s.constants.index);
};
