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
  const { proposer, acceptor, learner, executor, election, timers } = host;
  const state = new Map<string, string>();
  const whole = (component: string, value: unknown): void => void state.set(component, text(value));
  const table = (component: string, entries: Iterable<readonly [string | number, unknown]>): void => {
    for (const [key, value] of entries) state.set(`${component}#${key}`, text(value));
  };
  const { phase, ballot, nextOpn, queueFirst, queueNext } = proposer;
  whole('proposer.phase', { phase, ballot, nextOpn, queueFirst, queueNext });
  whole('proposer.promises', [...proposer.promises]);
  for (let p = queueFirst; p < queueNext; p++) state.set(`proposer.queue#${p}`, text(proposer.queueAt(p)));
  table('proposer.queued', proposer.queued);
  whole('acceptor', [acceptor.maxBal, acceptor.truncationPoint, acceptor.checkpoints]);
  table('acceptor.votes', acceptor.votes);
  whole('learner.maxBal', learner.maxBal);
  table('learner.slots', learner.slots);
  whole('executor', [executor.opsComplete, executor.decided]);
  whole('executor.app', executor.app);
  table('executor.replies', executor.replies);
  whole('election', [election.view, election.suspectors, election.epochEndMs, election.epochLengthMs]);
  table('election.fresh', election.fresh);
  table('election.waiting', election.waiting);
  whole('timers', timers);
  return state;
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
