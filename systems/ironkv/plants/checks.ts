/** Bugs that only the semantics of the judge invite, and faults of the checks themselves: what a check misses must be noticed. */
import type { Plant } from '../../../src/refinement/plant.js';
import { amongHosts, host, hostFile, hunt, live } from './places.js';

const seenIn = 'semantics of the judge';

const hostFaults: readonly Plant[] = [
  {
    id: 'KF1',
    title: 'a forgotten update: an opened session is not counted',
    seenIn,
    planted: 'host',
    checks: ['RC'],
    patches: [{ file: host('session-table'), find: 'this.opened = successor(count);', replace: '' }],
    hunt,
  },
  {
    id: 'KF2',
    title: 'an undeclared change: an old ack puts the check for progress back',
    seenIn,
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: host('deliveries'),
        find: 'if (seqno <= peer.acked || seqno > peer.sent) return false;',
        replace: 'if (seqno <= peer.acked || seqno > peer.sent) { peer.ackedAtCheck = 0; return false; }',
      },
    ],
    hunt: amongHosts,
  },
  {
    id: 'KF3',
    title: 'aliasing: the host writes to a message that it received',
    seenIn,
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: hostFile,
        find: 'const outcome = this.#executor.write(command, key);',
        replace: "if ('value' in command) command.value.fill(0); const outcome = this.#executor.write(command, key);",
      },
    ],
    hunt,
  },
  {
    id: 'KF4',
    title: 'a send before the last receive of a step: the host looks for more after it has acted',
    seenIn: 'IronFleet',
    planted: 'host',
    checks: ['RED'],
    patches: [
      { file: host('intake'), find: 'packets.length < this.#receiveMax', replace: 'packets.length < 1' },
      {
        file: hostFile,
        find: 'while (this.#sessions.expire())',
        replace: `for (const [i, { source, message }] of io.receiveAll(64).entries()) {
            const index = packets.length + i;
            if (message.tag === 'statusRequest') this.#onStatusRequest(source, message, index);
            else {
              this.#scope.record(this.#processed.at(index));
              this.#process(source, message);
            }
          }
          while (this.#sessions.expire())`,
      },
    ],
    hunt,
  },
];

/** A judge that makes its state of the host's after every step, but for the table, which is too large to be copied. */
const copyOfTheHost = `const after = ((s, h) => ({
    ...s,
    map: h.map.entries(),
    sessions: PersistentMap.of([...h.sessions].map(([name, { session, floor, next, records, stamp }]) =>
      [name, { session, floor, next, records: [...records], stamp }])),
    horizons: [...h.horizons],
    bounds: [...h.bounds],
    counts: { stamp: h.stamp, opened: h.opened },
    peers: PersistentMap.of([...h.peers].map(([i, { unacked: _, ...peer }]) => [i, peer])),
    unacked: PersistentMap.of([...h.peers].flatMap(([i, { acked, unacked }]) =>
      unacked.map((body, k) => [i + '/' + (acked + 1 + k), body]))),
    moves: h.moves.map((move) => ({ ...move })),
    shards: PersistentMap.of([...h.shards]),
  }))(verdict.right.at(-1)?.after ?? before, host);`;

const judgeFile = 'src/refinement/cluster-judge.js';

const hostChecks: readonly Plant[] = [
  {
    id: 'KD1',
    title: 'a reduction check that accepts all',
    seenIn,
    planted: 'the obligation, and the phases of the step IO',
    checks: ['RED'],
    breaks: 'KF4',
    patches: [
      {
        file: 'src/refinement/obligation.js',
        find: 'if (next < phase || timeDependent > 1) {',
        replace: 'if (false) {',
      },
      { file: 'src/network/phased-step-io.js', find: 'if (this.#phase !== phase) this.#refuse(what);', replace: '' },
    ],
    hunt,
  },
  {
    id: 'KD2',
    title: 'a refinement check that compares nothing',
    seenIn,
    planted: 'the comparison of components, changed and in full',
    checks: ['RC'],
    breaks: 'KF1',
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
    hunt,
  },
  {
    id: 'KD3',
    title: "a judge that takes the host's state for its own",
    seenIn,
    planted: 'the judge of a node',
    checks: ['RC'],
    breaks: 'KF1',
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
    hunt,
  },
  {
    id: 'KD4',
    title: 'whoever sends is taken for someone with the right to',
    seenIn,
    planted: "the simulation's idea of who may send what",
    checks: ['SEC'],
    breaks: 'K8',
    patches: [
      {
        file: 'systems/ironkv/simulation.js',
        find: 'withoutRight: ({ source, message: { tag } }, { hosts, administrators }) =>',
        replace: 'withoutRight: ({ source, message: { tag } }, { hosts, administrators }) => false &&',
      },
    ],
    hunt,
  },
];

const clusterChecks: readonly Plant[] = [
  {
    id: 'KD5',
    title: 'a judge of the cluster that looks at no invariant',
    seenIn,
    planted: 'the judge of a cluster',
    checks: ['INV'],
    breaks: 'K13',
    patches: [
      { file: judgeFile, find: 'for (const invariant of invariants) {', replace: 'for (const invariant of []) {' },
      {
        file: judgeFile,
        find: 'for (const invariant of this.#model.invariants) {',
        replace: 'for (const invariant of []) {',
      },
    ],
    hunt,
  },
  {
    id: 'KD6',
    title: 'a judge of the cluster that lets the service follow whatever was replied',
    seenIn,
    planted: 'the judge of a cluster',
    checks: ['REF'],
    breaks: 'K10',
    patches: [
      {
        file: judgeFile,
        find: 'if (difference !== undefined) {',
        replace: 'if (false) {',
      },
      {
        file: judgeFile,
        find: 'for (const packet of change.sends) {',
        replace: 'for (const packet of []) {',
      },
      {
        file: judgeFile,
        find: 'for (const packet of this.#cluster.sent.packets()) {',
        replace: 'for (const packet of []) {',
      },
    ],
    hunt,
  },
  {
    id: 'KD7',
    title: 'a linearizability check that always says yes',
    seenIn,
    planted: "the search's answer",
    checks: ['LIN'],
    breaks: 'K14',
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
    hunt,
  },
  {
    id: 'KD8',
    title: 'a demand for progress that every cluster meets',
    seenIn,
    planted: 'what a healed cluster must reach',
    checks: ['LIVE'],
    breaks: 'K3',
    patches: [
      {
        file: 'systems/ironkv/simulation/progress.js',
        find: 'outside.every((program) => program.rests) && owing().length === 0,',
        replace: 'true,',
      },
    ],
    hunt: live,
  },
];

/** Bugs of the host, then faults of checks. */
export const checkPlants: readonly Plant[] = [...hostFaults, ...hostChecks, ...clusterChecks];
