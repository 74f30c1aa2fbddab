/** The whole state of a host, by the components that it declares when it changes them. */

import type { ReplicaHost } from '../../systems/ironrsm/host.js';
import type { RecordingIo } from './recording-io.js';

/** The text of each component, or of each entry where the component is a table (`name` and `key` joined by `#`). */
export type StateText = ReadonlyMap<string, string>;

const text = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v)) ??
  'undefined';

/** Everything that the protocol knows of the host's state, copied. */
export const stateOf = (host: ReplicaHost): StateText => {
  const { proposer, acceptor, learner, executor, transfer, election, timers } = host;
  const state = new Map<string, string>();
  const whole = (component: string, value: unknown): void => void state.set(component, text(value));
  const table = (component: string, entries: Iterable<readonly [string | number, unknown]>): void => {
    for (const [key, value] of entries) state.set(`${component}#${key}`, text(value));
  };
  const { phase, ballot, nextOpn, queueFirst, queueNext } = proposer;
  whole('proposer.phase', { phase, ballot, nextOpn, queueFirst, queueNext });
  whole('proposer.promises', [...proposer.promises]);
  for (let p = queueFirst; p < queueNext; p++) state.set(`proposer.queue#${p}`, text(proposer.queueAt(p)));
  whole('acceptor', [acceptor.maxBal, acceptor.truncationPoint, acceptor.checkpoints, acceptor.voteBytes]);
  table('acceptor.votes', acceptor.votes);
  whole('learner.maxBal', learner.maxBal);
  table('learner.slots', learner.slots);
  const { opsComplete, decided, nextSession, replyBytes, ring, logStart, logBytes } = executor;
  whole('executor', [opsComplete, decided, nextSession, replyBytes, ring.first, ring.next, logStart, logBytes]);
  whole('executor.app', executor.app);
  table('executor.sessions', executor.sessions);
  for (let p = ring.first; p < ring.next; p++) state.set(`executor.ring#${p}`, text(ring.at(p)));
  table('executor.done', executor.done);
  table('executor.log', executor.log);
  const { inbound } = transfer;
  whole('transfer', [
    transfer.source,
    transfer.askedOpn,
    inbound && [inbound.supplier, inbound.opn, inbound.at, inbound.sessions, inbound.fresh, inbound.tries],
  ]);
  table(
    'transfer.outbound',
    [...transfer.outbound].map(([index, { opn, sessions, fresh }]) => [index, [opn, sessions, fresh]]),
  );
  whole('transfer.inboundApp', inbound?.app);
  table('transfer.supplied', transfer.supplied);
  whole('election', [election.view, election.suspectors, election.epochEndMs, election.epochLengthMs]);
  table('election.fresh', election.fresh);
  table('election.waiting', election.waiting);
  whole('timers', timers);
  return state;
};

/** Sums and bounds that every state of a host keeps; what is wrong, in words. */
export const inconsistenciesOf = ({ acceptor, executor }: ReplicaHost): string[] => {
  const lengths = (all: Iterable<Uint8Array>): number => [...all].reduce((sum, bytes) => sum + bytes.length, 0);
  const wrong: string[] = [];
  const equal = (what: string, kept: number, counted: number): void => {
    if (kept !== counted) wrong.push(`${what} is ${kept}, but should be ${counted}`);
  };
  equal('voteBytes', acceptor.voteBytes, lengths([...acceptor.votes.values()].map((v) => v.batch)));
  equal('logBytes', executor.logBytes, lengths(executor.log.values()));
  equal('the length of the log', executor.log.size, executor.opsComplete - executor.logStart);
  equal('replyBytes', executor.replyBytes, lengths([...executor.done.values()].map((d) => d.reply)));
  equal('the length of the ring', executor.ring.next - executor.ring.first, executor.sessions.size);
  for (const { session, seqno } of executor.done.values()) {
    const floor = executor.sessions.get(session)?.floor;
    if (floor === undefined || seqno < floor) wrong.push(`keeps seqno ${seqno} of session ${session}, floor ${floor}`);
  }
  return wrong;
};

/** The components and entries that differ between two states. */
export const changesOf = (before: StateText, after: StateText): string[] => {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
};

/** What the judge would complain about first: an undeclared change, or packets that were not consumed once each, in order. */
export const faultsOf = (io: RecordingIo, before: StateText, after: StateText): string[] => {
  const declared = new Set(
    io.touches.map(({ component, key }) => (key === undefined ? component : `${component}#${key}`)),
  );
  const faults = changesOf(before, after)
    .filter((name) => !declared.has(name))
    .map((name) => `undeclared change of ${name}`);
  for (const [from, count] of [
    ['receive', io.received.length],
    ['self', io.toSelf.length],
  ] as const) {
    const consumed = io.actions.flatMap((a) => (a.action === 'process' && a.from === from ? [a.index] : []));
    if (text(consumed) !== text(Array.from({ length: count }, (_, i) => i))) faults.push(`${from}: ${text(consumed)}`);
  }
  return faults;
};
