/** Bugs of ballots, votes and quorums. */
import type { Plant } from '../../../src/refinement/plant.js';
import {
  drawing,
  host,
  long,
  manyClients,
  manyDelays,
  manyLosses,
  manyOperations,
  messagesFile,
  protocol,
  quick,
  shortEpochs,
} from './places.js';

const hostAlone = 'host';
const bothSides = 'protocol and host';

const quorums: readonly Plant[] = [
  {
    id: 'R15',
    title: 'quorum off by one for an even number of replicas',
    seenIn: 'DEMi raft-42',
    planted: bothSides,
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
    seenIn: 'DEMi raft-45',
    planted: hostAlone,
    checks: ['RC'],
    patches: [
      {
        file: host('learner'),
        find: '!insertAscending(slot.senders, sender)',
        replace: '!slot.senders.push(sender)',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R17',
    title: 'a 1b of an old ballot is counted',
    seenIn: 'DEMi raft-46',
    planted: 'host; short epochs, many delays',
    checks: ['RC'],
    patches: [
      {
        file: host('proposer'),
        find: '!ballotOrd.equals(message.ballot, this.ballot) || this.promises',
        replace: 'this.promises',
      },
      drawing(shortEpochs),
      manyDelays,
    ],
    // Of two replicas each must hear the other's 1b, so that phase 1 lasts.
    hunt: { runs: 400, steps: 1500, nodes: 2, faults: ['delay', 'loss', 'reorder'] },
  },
  {
    id: 'R23',
    title: "2b's of different ballots add up to a quorum",
    seenIn: 'PySyncObj 169',
    planted: hostAlone,
    checks: ['RC'],
    patches: [{ file: host('learner'), find: 'this.#slots.clear();', replace: '' }],
    hunt: long,
  },
];

const acceptors: readonly Plant[] = [
  {
    id: 'R19',
    title: 'an acceptor accepts a 2a below maxBal',
    seenIn: 'Paxos folklore',
    planted: hostAlone,
    checks: ['RC'],
    patches: [{ file: host('acceptor'), find: 'if (order < 0) return;', replace: '' }],
    hunt: long,
  },
  {
    id: 'R20',
    title: 'maxBal goes down with a late 1a',
    seenIn: 'WRaft',
    planted: bothSides,
    checks: ['INV'],
    patches: [
      {
        file: protocol('acceptor'),
        find: '|| lt(m.ballot, a.maxBal)) return nothing(s);',
        replace: ') return nothing(s);',
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
    seenIn: 'EPaxos',
    planted: bothSides,
    checks: ['INV'],
    patches: [
      { file: protocol('acceptor'), find: 'ballot: vote.ballot, batch', replace: 'ballot: a.maxBal, batch' },
      {
        file: host('acceptor'),
        find: 'return { opn, ballot, batch };',
        replace: 'return { opn, ballot: this.maxBal, batch };',
      },
    ],
    hunt: long,
  },
];

const ballots: readonly Plant[] = [
  {
    id: 'R22',
    title: 'a new leader picks the vote of the lowest ballot instead of the highest',
    seenIn: 'Paxos folklore',
    planted: 'protocol and host; short epochs, many requests at a time, many losses',
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
      drawing(`${shortEpochs}, ${manyOperations}`),
      manyClients,
      ...manyLosses,
    ],
    hunt: { runs: 400, steps: 1000, nodes: 3, faults: ['loss'] },
  },
  {
    id: 'R24',
    title: "a ballot lacks the proposer's index",
    seenIn: 'Xraft 33',
    planted: bothSides,
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
    id: 'R25',
    title: 'a number passes 2^53, where adding one changes nothing',
    seenIn: 'JavaScript',
    planted: "host; the queue's positions, of protocol and host, start at 2^53 - 2",
    checks: ['RC'],
    patches: [
      {
        file: protocol('state'),
        find: 'queue: { first: 0, next: 0, items',
        replace: 'queue: { first: 2 ** 53 - 2, next: 2 ** 53 - 2, items',
      },
      {
        file: host('proposer'),
        find: '#queue = new PositionQueue();',
        replace: '#queue = new PositionQueue(2 ** 53 - 2);',
      },
      {
        file: host('position-queue'),
        find: 'this.#next = successor(position);',
        replace: 'this.#next = position + 1;',
      },
      {
        file: host('position-queue'),
        find: 'this.#first = add(this.#first, count);',
        replace: 'this.#first = this.#first + count;',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R26',
    title: 'the order of ballots is not total: of two ballots with one seqno each comes before the other',
    seenIn: 'ZooKeeper 1419',
    planted: 'the order that protocol and host share',
    checks: ['INV'],
    patches: [{ file: messagesFile, find: 'a.proposer < b.proposer ? -1 : 1', replace: '1' }],
    hunt: long,
  },
];

/** By topic, in the order of their numbers within each. */
export const ballotPlants: readonly Plant[] = [...quorums, ...acceptors, ...ballots];
