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
    patches: [{ file: hostFile, find: 'this.#timers.opsAtLastCheck = opsComplete;', replace: '' }],
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
        find: 'const request = { client, seqno, value };',
        replace: 'value.fill(0); const request = { client, seqno, value };',
      },
    ],
    hunt: quick,
  },
];

/** A judge that makes its state of the host's after every step. */
const copyOfTheHost = `const after = ((s) => ({
  ...s,
  proposer: { ...s.proposer, phase: host.proposer.phase, ballot: host.proposer.ballot, nextOpn: host.proposer.nextOpn,
    queued: PersistentMap.of(host.proposer.queued),
    queue: { first: host.proposer.queueFirst, next: host.proposer.queueNext,
      items: PersistentMap.of(Array.from({ length: host.proposer.queueNext - host.proposer.queueFirst },
        (_, i) => [host.proposer.queueFirst + i, host.proposer.queueAt(host.proposer.queueFirst + i)])) } },
  acceptor: { maxBal: host.acceptor.maxBal, truncationPoint: host.acceptor.truncationPoint,
    votes: PersistentMap.of(host.acceptor.votes), checkpoints: [...host.acceptor.checkpoints] },
  learner: { maxBal: host.learner.maxBal,
    slots: PersistentMap.of([...host.learner.slots].map(([opn, slot]) => [opn, { batch: slot.batch, senders: [...slot.senders] }])) },
  executor: { opsComplete: host.executor.opsComplete, app: host.executor.app, decided: host.executor.decided ?? null,
    replies: PersistentMap.of(host.executor.replies) },
  election: { ...s.election, view: host.election.view, suspectors: [...host.election.suspectors],
    epochEndMs: host.election.epochEndMs, epochLengthMs: host.election.epochLengthMs,
    fresh: PersistentMap.of(host.election.fresh), waiting: PersistentMap.of(host.election.waiting) },
  timers: { ...host.timers },
}))(verdict.right.at(-1)?.after ?? before);`;

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
