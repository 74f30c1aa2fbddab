/** Bugs of the log, its truncation and state transfer. */
import type { Plant } from '../../../src/refinement/plant.js';
import {
  counterOnly,
  drawing,
  host,
  live,
  long,
  manyDelays,
  protocol,
  quick,
  smallPieces,
  withoutFolds,
} from './places.js';

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
        find: "phase: 'phase2', nextOpn: s.acceptor.truncationPoint }",
        replace: "phase: 'phase2', nextOpn: Math.max(s.acceptor.truncationPoint, p.votedMax + 1) }",
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
        find: 'quorumCheckpointOf(this.checkpoints, this.#cluster.quorum)',
        replace: 'quorumCheckpointOf(this.checkpoints, 1)',
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
        find: 'if (point <= this.truncationPoint)',
        replace: 'if (point === this.truncationPoint)',
      },
      {
        file: host('acceptor'),
        find: 'this.truncateTo(point);',
        replace: 'this.truncateTo(point); this.truncationPoint = point;',
      },
    ],
    hunt: long,
  },
];

const stateTransfer: readonly Plant[] = [
  {
    id: 'R29',
    title: 'an old state overwrites a newer one: whether it is older is not looked at',
    seenIn: 'etcd 1763, hashicorp/raft 248',
    planted: 'host; a log that forgets at once',
    checks: ['RC'],
    patches: [
      { file: host('transfer'), find: 'if (opn <= this.#peers.executor.opsComplete) return;', replace: '' },
      {
        file: host('transfer'),
        find: 'this.#inbound !== undefined && this.#inbound.opn <= opsComplete',
        replace: 'false',
      },
      drawing(smallPieces),
    ],
    hunt: long,
  },
  {
    id: 'R31',
    title: 'a replica believes that the state of which it sent the last piece arrived, and sends that replica no other',
    seenIn: 'atomix 1069',
    planted: 'protocol and host; a log that forgets at once',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('transfer'),
        find: 'if (opn >= logStart) return',
        replace: `if (opn < logStart && s.arrived?.includes(sender)) return nothing(s);
          if (opn >= logStart) return`,
      },
      {
        file: protocol('transfer'),
        find: 'const state = o.fresh ? s',
        replace: `if (piece.next === null) {
            const gone = { outbound: outbound.delete(sender), outboundApps: s.transfer.outboundApps.delete(sender) };
            return { state: { ...withTransfer(s, gone), arrived: [...(s.arrived ?? []), sender] }, sends: [packetTo(s, source, piece)] };
          }
          const state = o.fresh ? s`,
      },
      {
        file: host('transfer'),
        find: 'this.#beginOutbound(sender, opn);',
        replace: 'if (!this.arrived?.has(sender)) this.#beginOutbound(sender, opn);',
      },
      {
        file: host('transfer'),
        find: 'this.#refresh(sender, outbound); this.#send(sender, piece);',
        replace: `if (piece.next === null) {
            this.#dropOutbound(sender);
            this.arrived = new Set([...(this.arrived ?? []), sender]);
          } else this.#refresh(sender, outbound);
          this.#send(sender, piece);`,
      },
      drawing(smallPieces),
    ],
    hunt: { runs: 200, steps: 1000, nodes: 3 },
  },
  {
    id: 'R32',
    title: 'a replica asks for the same state for ever: it takes only one of exactly the position that it asked for',
    seenIn: 'hashicorp/raft 704',
    planted: 'protocol and host; the nearest relative; a log that forgets at once',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('transfer'),
        find: 'if (opn <= s.executor.opsComplete)',
        replace: 'if (opn !== s.executor.opsComplete + 1)',
      },
      {
        file: host('transfer'),
        find: 'if (opn <= this.#peers.executor.opsComplete)',
        replace: 'if (opn !== this.#peers.executor.opsComplete + 1)',
      },
      drawing(smallPieces),
    ],
    hunt: live,
  },
  {
    id: 'R34',
    title: 'state transfer leaves out what sessions have done',
    seenIn: "IronFleet's IronRSL, whose state transfer leaves out the reply cache",
    planted: 'protocol and host, without the invariants on folds; a log that forgets at once, the counter',
    checks: ['REF'],
    patches: [
      {
        file: protocol('machine'),
        find: 'const done = [...s.done.values()].sort((a, b) => key(a) - key(b));',
        replace: 'const done = [];',
      },
      { file: host('sessions'), find: 'done.push(this.#done.get(key));', replace: '{}' },
      drawing(smallPieces),
      counterOnly,
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R48',
    title: 'pieces of two states are joined: a piece counts from any replica, of any position',
    seenIn: 'none known; catch-up invites it',
    planted: 'protocol and host; a log that forgets at once, transfers that are soon begun anew, many delays',
    checks: ['INV'],
    patches: [
      {
        file: protocol('transfer'),
        find: 'i.supplier !== sender || i.opn !== opn || !sameCursor',
        replace: '!sameCursor',
      },
      {
        file: host('transfer'),
        find: 'inbound === undefined || inbound.supplier !== sender || inbound.opn !== opn',
        replace: 'inbound === undefined',
      },
      manyDelays,
      drawing(
        'retainOpsMax: 1, pieceBytesMax: 1 << 17, transferTriesMax: 0, retransmitPeriodMs: 30, retransmitPeriodMsMax: 30',
      ),
    ],
    hunt: { ...long, steps: 1000, faults: ['loss', 'delay', 'reorder', 'pause', 'partition'] },
  },
  {
    id: 'R49',
    title: 'a catch-up goes on after what was decided, with a batch that its sender only voted for',
    seenIn: 'none known; catch-up invites it',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocol('transfer'),
        find: "return { tag: 'catchUpSupply',",
        replace: `const vote = s.acceptor.votes.get(opsComplete);
          if (opn + batches.length === opsComplete && vote !== undefined) batches.push(vote.batch);
          return { tag: 'catchUpSupply',`,
      },
      {
        file: host('transfer'),
        find: 'onCatchUpRequest(sender, { opn }) { const { executor } = this.#peers;',
        replace: 'onCatchUpRequest(sender, { opn }) { const { executor, acceptor } = this.#peers;',
      },
      {
        file: host('transfer'),
        find: "this.#send(sender, { tag: 'catchUpSupply',",
        replace: `const vote = acceptor.votes.get(executor.opsComplete);
          if (opn + batches.length === executor.opsComplete && vote !== undefined) batches.push(vote.batch);
          this.#send(sender, { tag: 'catchUpSupply',`,
      },
    ],
    hunt: long,
  },
];

/** In the order of topics. */
export const logPlants: readonly Plant[] = [...truncation, ...stateTransfer];
