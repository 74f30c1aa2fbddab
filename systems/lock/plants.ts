/**
 * Known bugs of locks and leases, planted in the lock one at a time, and controls. RC bugs are in the host alone, and its judge
 * must stop it; INV and LIVE bugs are in protocol and host alike, so that the host refinement stays silent.
 */
import type { Hunt, Plant } from '../../src/refinement/plant.js';

const hostFile = 'systems/lock/host.js';
const protocolFile = 'systems/lock/protocol.js';

const hunt: Hunt = { runs: 40, steps: 1000 };
const control: Hunt = { runs: 40, steps: 1000 };

const bugs: readonly Plant[] = [
  {
    id: 'L1',
    title: 'a node accepts a grant of an epoch that is over',
    seenIn: "IronFleet's lock, the guard of accept",
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocolFile,
        find: "s.role.tag !== 'holding' && message.epoch > s.epoch;",
        replace: "s.role.tag !== 'holding';",
      },
      { file: hostFile, find: 'if (!this.holds && epoch > this.epoch) {', replace: 'if (!this.holds) {' },
    ],
    hunt,
  },
  {
    id: 'L2',
    title: 'a node holds on after it granted',
    seenIn: "IronFleet's lock, the effect of grant",
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocolFile,
        find: 'timeMs < s.role.grantAtMs) return O.none; return O.some({ state: { ...s, role: granting(s, timeMs) }',
        replace:
          "timeMs < s.role.grantAtMs) return O.none; return O.some({ state: { ...s, role: { tag: 'holding', grantAtMs: granting(s, timeMs).resendAtMs } }",
      },
      { file: hostFile, find: "this.#become(io, 'granter', add(now", replace: "this.#become(io, 'holder', add(now" },
    ],
    hunt,
  },
  {
    id: 'L3',
    title: 'a lost grant is not sent again',
    seenIn: "IronFleet's lock, which has no retransmission",
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocolFile,
        find: "if (s.role.tag !== 'granting' || timeMs < s.role.resendAtMs) return O.none;",
        replace: 'return O.none;',
      },
      { file: hostFile, find: 'else if (this.awaitsAnswer) this.#resend(io, now);', replace: '' },
      { file: hostFile, find: 'return this.holds || this.awaitsAnswer ?', replace: 'return this.holds ?' },
    ],
    hunt,
  },
  {
    id: 'L4',
    title: 'a grant that comes again is answered with another epoch',
    seenIn: 'folklore',
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: hostFile,
        find: "io.record({ action: 'answerAgain', index }); io.send(this.ring.before, { tag: 'locked', epoch });",
        replace:
          "io.record({ action: 'answerAgain', index }); io.send(this.ring.before, { tag: 'locked', epoch: epoch + 1 });",
      },
    ],
    hunt,
  },
  {
    id: 'L5',
    title: 'a node accepts a grant from anyone',
    seenIn: "IronFleet's lock, the guard of accept",
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: hostFile,
        find: "if (message.tag === 'transfer' && source === this.ring.before)",
        replace: "if (message.tag === 'transfer')",
      },
    ],
    hunt,
  },
];

const controls: readonly Plant[] = [
  {
    id: 'LC1',
    title: 'a host that takes one packet in a step',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [{ file: hostFile, find: 'io.receiveAll(this.parameters.receiveMax)', replace: 'io.receiveAll(1)' }],
    hunt: control,
  },
  {
    id: 'LC2',
    title: 'a host that declares more changes than there are',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      { file: hostFile, find: 'const now = io.clock();', replace: "const now = io.clock(); io.touch('role');" },
    ],
    hunt: control,
  },
  {
    id: 'LC3',
    title: 'the same guard of accept, written otherwise',
    seenIn: '',
    planted: 'protocol and host',
    checks: [],
    patches: [
      {
        file: protocolFile,
        find: "s.role.tag !== 'holding' && message.epoch > s.epoch;",
        replace: "s.role.tag !== 'holding' && !(message.epoch <= s.epoch);",
      },
      {
        file: hostFile,
        find: 'if (!this.holds && epoch > this.epoch) {',
        replace: 'if (!(this.holds || epoch <= this.epoch)) {',
      },
    ],
    hunt: control,
  },
];

/** The corpus for the lock: docs/plants.md has the table. */
export const lockPlants: readonly Plant[] = [...bugs, ...controls];
