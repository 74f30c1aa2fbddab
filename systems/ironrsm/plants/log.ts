/** Bugs of the log, its truncation and state transfer. */
import type { Plant } from '../../../src/refinement/plant.js';
import { host, live, long, protocol, quick, withoutFolds } from './places.js';

const truncation: readonly Plant[] = [
  {
    id: 'R27',
    title: 'gaps are never filled: a new leader proposes only above the highest vote that it hears of',
    seenIn: 'Paxos folklore',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('proposer'),
        find: "phase: 'phase2', nextOpn: truncationPoint }",
        replace: "phase: 'phase2', nextOpn: Math.max(truncationPoint, p.votedMax + 1) }",
      },
      {
        file: host('proposer'),
        find: 'for (const promise of this.promises.values()) this.#inherit(promise.votes);',
        replace: `for (const promise of this.promises.values()) this.#inherit(promise.votes);
          if (this.#inherited.size > 0) this.nextOpn = this.#inheritedEnd + 1;`,
      },
    ],
    hunt: live,
  },
  {
    id: 'R28',
    title: "truncates past the quorum's checkpoint: to the highest one reported",
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      { file: protocol('acceptor'), find: 'descending[quorumOf(s.constants) - 1] ?? 0', replace: 'descending[0]' },
      {
        file: host('acceptor'),
        find: 'this.#quorumCheckpoint = quorumCheckpointOf(this.checkpoints, this.#cluster.quorum);',
        replace: 'this.#quorumCheckpoint = quorumCheckpointOf(this.checkpoints, 1);',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R33',
    title: 'a delayed heartbeat moves the checkpoint, and with it the truncation point, back',
    seenIn: 'CCF, where a stale negative answer truncates',
    planted: 'host; the nearest relative',
    checks: ['RC'],
    patches: [
      {
        file: host('acceptor'),
        find: 'if (opsComplete <= this.checkpoints[sender]) return;',
        replace: 'if (opsComplete === this.checkpoints[sender]) return;',
      },
      {
        file: host('acceptor'),
        find: 'if (this.#quorumCheckpoint <= this.truncationPoint) return false;',
        replace: 'if (this.#quorumCheckpoint === this.truncationPoint) return false;',
      },
      {
        file: host('acceptor'),
        find: 'this.truncateTo(this.#quorumCheckpoint);',
        replace: 'this.truncateTo(this.#quorumCheckpoint); this.truncationPoint = this.#quorumCheckpoint;',
      },
    ],
    hunt: long,
  },
];

const stateTransfer: readonly Plant[] = [
  {
    id: 'R29',
    title: 'an old snapshot overwrites a newer state',
    seenIn: 'etcd 1763, hashicorp/raft 248',
    planted: 'host',
    checks: ['RC'],
    patches: [{ file: host('executor'), find: 'if (message.opn <= this.opsComplete) return;', replace: '' }],
    hunt: long,
  },
  {
    id: 'R31',
    title: 'a replica believes that the snapshot which it sent arrived, and sends that replica no other',
    seenIn: 'atomix 1069',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('executor'),
        find: 'if (opsComplete < m.opn) return { state: s, sends: [] };',
        replace: `if (opsComplete < m.opn || s.supplied?.includes(source)) return { state: s, sends: [] };
          s = { ...s, supplied: [...(s.supplied ?? []), source] };`,
      },
      {
        file: host('executor'),
        find: 'if (this.opsComplete < opn) return;',
        replace: `if (this.opsComplete < opn || this.supplied?.has(source)) return;
          this.supplied = new Set([...(this.supplied ?? []), source]);`,
      },
    ],
    hunt: live,
  },
  {
    id: 'R32',
    title: 'a replica asks for the same snapshot for ever: it takes only one of exactly the position that it asked for',
    seenIn: 'hashicorp/raft 704',
    planted: 'protocol and host; the nearest relative',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('executor'),
        find: 'if (m.opn <= s.executor.opsComplete) return s;',
        replace: 'if (m.opn !== s.executor.opsComplete + 1) return s;',
      },
      {
        file: host('executor'),
        find: 'if (message.opn <= this.opsComplete) return;',
        replace: 'if (message.opn !== this.opsComplete + 1) return;',
      },
    ],
    hunt: live,
  },
  {
    id: 'R34',
    title: 'state transfer leaves out the reply cache',
    seenIn: "IronFleet's IronRSL",
    planted: 'protocol and host, without the invariants on folds',
    checks: ['REF'],
    patches: [
      {
        file: protocol('executor'),
        find: 'app: snapshot, replies: cached })],',
        replace: 'app: snapshot, replies: [] })],',
      },
      { file: host('executor'), find: 'replies: this.#cachedReplies(),', replace: 'replies: [],' },
      ...withoutFolds,
    ],
    hunt: long,
  },
];

/** In the order of topics. */
export const logPlants: readonly Plant[] = [...truncation, ...stateTransfer];
