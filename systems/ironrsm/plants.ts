/**
 * Known bugs of consensus, planted in IronRSM one at a time, and controls. RC, RED and SEC bugs are in the host alone, and its
 * judge must stop it; INV and REF bugs are in protocol and host alike, so that the host refinement stays silent.
 */
import type { Hunt, Plant } from '../../src/refinement/plant.js';

const host = (role: string): string => `systems/ironrsm/host/${role}.js`;
const protocol = (role: string): string => `systems/ironrsm/protocol/${role}.js`;

const quick: Hunt = { runs: 40, steps: 1000 };
/** For bugs that show only where views change often. */
const long: Hunt = { runs: 400, steps: 3000 };
const control: Hunt = { runs: 20, steps: 1000 };

const ballotsAndQuorums: readonly Plant[] = [
  {
    id: 'R15',
    title: 'quorum off by one for an even number of replicas',
    checks: ['INV'],
    patches: [
      { file: protocol('state'), find: 'Math.floor(replicas / 2) + 1', replace: 'Math.ceil(replicas / 2)' },
      { file: host('cluster'), find: 'Math.floor(replicas.length / 2) + 1', replace: 'Math.ceil(replicas.length / 2)' },
    ],
    hunt: { ...quick, nodes: 4 },
  },
  {
    id: 'R16',
    title: 'a duplicate 2b is counted twice',
    checks: ['RC'],
    patches: [
      {
        file: host('learner'),
        find: 'else if (!insertAscending(slot.senders, sender)) return;',
        replace: 'else slot.senders.push(sender);',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R17',
    title: 'a 1b of an old ballot is counted',
    checks: ['RC'],
    patches: [
      {
        file: host('proposer'),
        find: '!ballotOrd.equals(message.ballot, this.ballot) || this.promises',
        replace: 'this.promises',
      },
    ],
    hunt: { ...long, nodes: 3 },
  },
  {
    id: 'R19',
    title: 'an acceptor accepts a 2a below maxBal',
    checks: ['RC'],
    patches: [{ file: host('acceptor'), find: 'if (order < 0) return;', replace: '' }],
    hunt: long,
  },
  {
    id: 'R20',
    title: 'maxBal goes down with a late 1a',
    checks: ['INV'],
    patches: [
      {
        file: protocol('acceptor'),
        find: '|| lt(m.ballot, a.maxBal)) return { state: s, sends: [] };',
        replace: ') return { state: s, sends: [] };',
      },
      { file: host('acceptor'), find: 'if (order < 0 || (order === 0', replace: 'if ((order === 0' },
      {
        file: host('acceptor'),
        find: 'if (order > 0) this.#raise(ballot); this.#scope.send(',
        replace: 'if (order !== 0) this.#raise(ballot); this.#scope.send(',
      },
    ],
    hunt: long,
  },
  {
    id: 'R21',
    title: 'one variable for the promised and the accepted ballot: a 1b reports votes at its own ballot',
    checks: ['INV'],
    patches: [
      { file: protocol('acceptor'), find: 'ballot: vote.ballot, batch', replace: 'ballot: a.maxBal, batch' },
      {
        file: host('acceptor'),
        find: '...this.votes.get(opn) })',
        replace: '...this.votes.get(opn), ballot: this.maxBal })',
      },
    ],
    hunt: long,
  },
  {
    id: 'R22',
    title: 'a new leader picks the vote of the lowest ballot instead of the highest',
    checks: ['INV'],
    patches: [
      {
        file: protocol('proposer'),
        find: 'ballotBefore(highest.ballot, vote.ballot)',
        replace: 'ballotBefore(vote.ballot, highest.ballot)',
      },
      {
        file: host('proposer'),
        find: 'ballotOrd.compare(vote.ballot, other.ballot) > 0',
        replace: 'ballotOrd.compare(vote.ballot, other.ballot) < 0',
      },
    ],
    hunt: long,
  },
  {
    id: 'R23',
    title: "2b's of different ballots add up to a quorum",
    checks: ['RC'],
    patches: [{ file: host('learner'), find: 'this.#slots.clear();', replace: '' }],
    hunt: long,
  },
  {
    id: 'R24',
    title: "a ballot lacks the proposer's index",
    checks: ['INV'],
    patches: [
      {
        file: protocol('proposer'),
        find: "phase: 'phase1', ballot: view,",
        replace: "phase: 'phase1', ballot: { ...view, proposer: 0 },",
      },
      {
        file: protocol('proposer'),
        find: "{ tag: '1a', ballot: view }",
        replace: "{ tag: '1a', ballot: { ...view, proposer: 0 } }",
      },
      { file: host('proposer'), find: 'this.ballot = view;', replace: 'this.ballot = { ...view, proposer: 0 };' },
      {
        file: host('proposer'),
        find: "{ tag: '1a', ballot: view }",
        replace: "{ tag: '1a', ballot: { ...view, proposer: 0 } }",
      },
    ],
    hunt: long,
  },
  {
    id: 'R26',
    title: 'the order of ballots is not total: of two ballots with one seqno each comes before the other',
    checks: ['INV'],
    patches: [{ file: 'systems/ironrsm/messages.js', find: 'a.proposer < b.proposer ? -1 : 1', replace: '1' }],
    hunt: long,
  },
];

const clientsAndShell: readonly Plant[] = [
  {
    id: 'R39',
    title: 'the leader answers when it proposes, before a quorum has voted',
    checks: ['REF'],
    patches: [
      {
        file: protocol('proposer'),
        find: "sends: toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }) };",
        replace: `sends: [...toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }),
          ...batch.map((r) => packetTo(s, r.client, { tag: 'reply', seqno: r.seqno,
            value: s.constants.configuration.app.apply(s.executor.app, r.value).reply }))] };`,
      },
      {
        file: host('executor'),
        find: 'decide() {',
        replace: 'guess(r) { return this.#application.apply(this.app, r.value).reply; } decide() {',
      },
      {
        file: host('proposer'),
        find: "this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });",
        replace: `this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });
          for (const r of batch) this.#scope.send(r.client, { tag: 'reply', seqno: r.seqno, value: this.#peers.executor.guess(r) });`,
      },
    ],
    hunt: quick,
  },
  {
    id: 'R46',
    title: 'a message for another role crashes the replica',
    checks: ['SEC'],
    patches: [
      {
        file: 'systems/ironrsm/host.js',
        find: 'const sender = this.#cluster.indexOf.get(source);',
        replace:
          "if (message.tag === 'reply') throw new Error('a replica takes no reply'); const sender = this.#cluster.indexOf.get(source);",
      },
    ],
    hunt: quick,
  },
  {
    id: 'R47',
    title: 'a send before the last receive of a step',
    checks: ['RED'],
    patches: [
      {
        file: 'systems/ironrsm/host.js',
        find: 'const packets = io.receiveAll(',
        replace: "io.send(this.#cluster.others[0], { tag: 'statusRequest', nonce: 0 }); const packets = io.receiveAll(",
      },
    ],
    hunt: quick,
  },
];

const controls: readonly Plant[] = [
  {
    id: 'C1',
    title: 'the same quorum by another formula',
    checks: [],
    patches: [
      { file: protocol('state'), find: 'Math.floor(replicas / 2) + 1', replace: 'Math.ceil((replicas + 1) / 2)' },
      {
        file: host('cluster'),
        find: 'Math.floor(replicas.length / 2) + 1',
        replace: 'Math.ceil((replicas.length + 1) / 2)',
      },
    ],
    hunt: control,
  },
  {
    id: 'C2',
    title: 'a host that broadcasts in another order',
    checks: [],
    patches: [
      {
        file: host('step-scope'),
        find: 'io.broadcast(this.#cluster.others, message); this.#deliverToSelf',
        replace: 'io.broadcast([...this.#cluster.others].reverse(), message); this.#deliverToSelf',
      },
    ],
    hunt: control,
  },
  {
    id: 'C3',
    title: 'a host that fills the pipeline by one operation more, which the protocol leaves free',
    checks: [],
    patches: [
      {
        file: host('proposer'),
        find: 'this.nextOpn - executed < this.#cluster.parameters.pipelineMax',
        replace: 'this.nextOpn - executed <= this.#cluster.parameters.pipelineMax',
      },
    ],
    hunt: control,
  },
  {
    id: 'C4',
    title: 'a host that takes fewer packets in a step',
    checks: [],
    patches: [
      {
        file: 'systems/ironrsm/host.js',
        find: 'io.receiveAll(this.#cluster.parameters.receiveMax)',
        replace: 'io.receiveAll(1)',
      },
    ],
    hunt: control,
  },
  {
    id: 'C5',
    title: 'the same comparison of ballots, written otherwise',
    checks: [],
    patches: [
      {
        file: 'systems/ironrsm/messages.js',
        find: 'a.proposer < b.proposer ? -1 : 1',
        replace: 'Math.sign(a.proposer - b.proposer)',
      },
    ],
    hunt: control,
  },
];

/** The corpus for IronRSM: numbers are those of docs/plants.md. */
export const ironrsmPlants: readonly Plant[] = [...ballotsAndQuorums, ...clientsAndShell, ...controls];
