/** What judging by the change must notice (docs/reduction.md, "Judging by the change"), and faults of the checks themselves. */
import type { Plant } from '../../../src/refinement/plant.js';
import { host, hostFile, quick } from './places.js';

const changes: readonly Plant[] = [
  {
    id: 'F1',
    title: 'a forgotten update: a progress check does not note how much was executed',
    seenIn: 'semantics of the judge',
    planted: 'host',
    checks: ['RC'],
    patches: [{ file: host('progress'), find: 'this.#timers.opsAtLastCheck = opsComplete;', replace: '' }],
    hunt: quick,
  },
  {
    id: 'F2',
    title: 'an undeclared change: a late 2b drops the votes for its operation',
    seenIn: 'semantics of the judge',
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: host('learner'),
        find: 'if (order < 0) return;',
        replace: 'if (order < 0) { this.#slots.delete(opn); return; }',
      },
    ],
    hunt: { ...quick, runs: 200 },
  },
  {
    id: 'F3',
    title: 'aliasing: the host writes to a message that it received',
    seenIn: 'semantics of the judge',
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: hostFile,
        find: "this.#hold({ tag: 'execute',",
        replace: "value.fill(0); this.#hold({ tag: 'execute',",
      },
    ],
    hunt: quick,
  },
];

/** A judge that makes its state of the host's after every step. */
const copyOfTheHost = `const after = ((s, { proposer: p, acceptor: a, learner: l, executor: e, transfer: t, election: v }) => {
  const between = ({ first, next, at }) => PersistentMap.of(Array.from({ length: next - first }, (_, i) => [first + i, at(first + i)]));
  const queue = { first: p.queueFirst, next: p.queueNext, at: (i) => p.queueAt(i) };
  const ring = { first: e.ring.first, next: e.ring.next, at: (i) => e.ring.at(i) };
  const promises = [...p.promises].map(([i, { truncationPoint, votes }]) =>
    [i, { truncationPoint, votes: PersistentMap.of(votes.map(({ opn, ballot, batch }) => [opn, { ballot, batch }])) }]);
  const sessions = { nextSession: e.nextSession, live: PersistentMap.of([...e.sessions].map(([id, session]) => [id, { ...session }])),
    ring: { first: ring.first, next: ring.next, items: between(ring) }, done: PersistentMap.of(e.done), replyBytes: e.replyBytes };
  const inbound = t.inbound === undefined ? null
    : { supplier: t.inbound.supplier, opn: t.inbound.opn, at: t.inbound.at, app: t.inbound.app, fresh: t.inbound.fresh, tries: t.inbound.tries,
        sessions: t.inbound.sessions.length === 0 ? PersistentMap.empty() : PersistentMap.of([[0, t.inbound.sessions.slice()]]),
        sessionsLength: t.inbound.sessions.length };
  return {
    ...s,
    proposer: { ...s.proposer, phase: p.phase, ballot: p.ballot, nextOpn: p.nextOpn, promises: PersistentMap.of(promises),
      queue: { first: queue.first, next: queue.next, items: between(queue) } },
    acceptor: { maxBal: a.maxBal, truncationPoint: a.truncationPoint, votes: PersistentMap.of(a.votes), voteBytes: a.voteBytes, checkpoints: [...a.checkpoints] },
    learner: { maxBal: l.maxBal, slots: PersistentMap.of([...l.slots].map(([opn, slot]) => [opn, { ...slot, senders: [...slot.senders] }])) },
    executor: { opsComplete: e.opsComplete, machine: { app: e.app, sessions }, decided: e.decided ?? null,
      log: PersistentMap.of(e.log), logStart: e.logStart, logBytes: e.logBytes },
    transfer: { supplied: PersistentMap.of(t.supplied), source: t.source, askedOpn: t.askedOpn, inbound,
      outbound: PersistentMap.of([...t.outbound].map(([i, o]) => [i, { opn: o.opn, sessions: o.sessions, fresh: o.fresh }])),
      outboundApps: PersistentMap.of([...t.outbound].map(([i, o]) => [i, o.app])) },
    election: { view: v.view, suspectors: [...v.suspectors], epochEndMs: v.epochEndMs, epochLengthMs: v.epochLengthMs,
      fresh: PersistentMap.of(v.fresh), waiting: PersistentMap.of(v.waiting) },
    timers: { ...host.timers },
  };
})(verdict.right.at(-1)?.after ?? before, host);`;

const checkFaults: readonly Plant[] = [
  {
    id: 'D1',
    title: 'a reduction check that accepts all',
    seenIn: 'semantics of the judge',
    planted: 'the obligation, and the phases of the step IO',
    checks: ['RED'],
    breaks: 'R47',
    patches: [
      {
        file: 'src/refinement/obligation.js',
        find: 'if (next < phase || timeDependent > 1) {',
        replace: 'if (false) {',
      },
      { file: 'src/network/phased-step-io.js', find: 'if (this.#phase !== phase) this.#refuse(what);', replace: '' },
    ],
    hunt: quick,
  },
  {
    id: 'D2',
    title: 'a refinement check that compares nothing',
    seenIn: 'semantics of the judge',
    planted: 'the comparison of components, changed and in full',
    checks: ['RC'],
    breaks: 'R41',
    patches: [
      {
        file: 'src/refinement/component-comparison.js',
        find: 'full(host, state) {',
        replace: 'full(host, state) { return holds;',
      },
      {
        file: 'src/refinement/component-comparison.js',
        find: 'changed(host, touches, before, after) {',
        replace: 'changed(host, touches, before, after) { return holds;',
      },
      { file: 'src/refinement/sends.js', find: 'const rest = [];', replace: 'return undefined; const rest = [];' },
    ],
    hunt: quick,
  },
  {
    id: 'D3',
    title: "a judge that takes the host's state for its own",
    seenIn: 'semantics of the judge',
    planted: 'the judge of a node',
    checks: ['RC'],
    breaks: 'F1',
    patches: [
      {
        file: 'src/refinement/host-judge.js',
        find: "import { refineStep } from './macro-step.js';",
        replace:
          "import { refineStep } from './macro-step.js'; import { PersistentMap } from '../protocol/persistent-map.js';",
      },
      {
        file: 'src/refinement/host-judge.js',
        find: 'const after = verdict.right.at(-1)?.after ?? before;',
        replace: copyOfTheHost,
      },
    ],
    hunt: quick,
  },
  {
    id: 'D4',
    title: 'a linearizability check that always says yes',
    seenIn: 'semantics of the judge',
    planted: "the search's answer",
    checks: ['LIN'],
    breaks: 'R38',
    patches: [
      {
        file: 'src/refinement/linearizability/check.js',
        find: "if (searched.answer === 'not')",
        replace: 'if (false)',
      },
      {
        file: 'src/refinement/linearizability/check.js',
        find: "if (searched.answer === 'linearizable') {",
        replace: 'if (true) {',
      },
    ],
    hunt: { runs: 60, steps: 1000, faults: ['partition', 'one-way', 'delay'] },
  },
];

/** Host bugs first, then the faults of checks that they show. */
export const changePlants: readonly Plant[] = [...changes, ...checkFaults];
