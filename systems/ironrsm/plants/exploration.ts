/**
 * Known bugs of ballots and quorums, planted in IronRSM's protocol alone, for the explorer: each with the smallest bounds that show it.
 * The judge of a node is of no help against them, since the protocol is what it judges by.
 */
import type { ExplorationPlant } from '../../../src/refinement/plant.js';

const file = (name: string): string => `systems/ironrsm/${name}.js`;

/** Three acceptors, two ballots, one operation. */
const small = { size: 3, bound: 2, operations: 1 };

/** In the order of their numbers. */
export const ironrsmExplorationPlants: readonly ExplorationPlant[] = [
  {
    id: 'R15',
    title: 'quorum off by one for an even number of replicas',
    seenIn: 'DEMi raft-42',
    patches: [
      { file: file('protocol/state'), find: 'Math.floor(replicas / 2) + 1', replace: 'Math.ceil(replicas / 2)' },
    ],
    ...small,
    size: 4,
  },
  {
    id: 'R16',
    title: 'a duplicate 2b is counted twice',
    seenIn: 'DEMi raft-45',
    patches: [
      {
        file: file('protocol/learner'),
        find: 'slot.senders.includes(sender) || !equalBytes(slot.digest, m.digest)',
        replace: '!equalBytes(slot.digest, m.digest)',
      },
    ],
    ...small,
  },
  {
    id: 'R17',
    title: 'a 1b of an old ballot is counted',
    seenIn: 'DEMi raft-46',
    patches: [
      {
        file: file('protocol/proposer'),
        find: "p.phase === 'phase1' && ballotOrd.equals(m.ballot, p.ballot) && !p",
        replace: "p.phase === 'phase1' && !p",
      },
    ],
    ...small,
    bound: 3,
  },
  {
    id: 'R19',
    title: 'an acceptor accepts a 2a below maxBal',
    seenIn: 'Paxos folklore',
    patches: [
      {
        file: file('protocol/acceptor'),
        find: 'lt(ballot, a.maxBal) || opn < a.truncationPoint',
        replace: 'opn < a.truncationPoint',
      },
      {
        file: file('protocol/acceptor'),
        find: 'equals(ballot, a.maxBal) ? a.maxBal : ballot',
        replace: 'lt(a.maxBal, ballot) ? ballot : a.maxBal',
      },
    ],
    ...small,
  },
  {
    id: 'R20',
    title: 'maxBal goes down with a late 1a',
    seenIn: 'WRaft',
    patches: [
      {
        file: file('protocol/acceptor'),
        find: 'm.ballot.proposer !== sender || lt(m.ballot, a.maxBal)',
        replace: 'm.ballot.proposer !== sender',
      },
    ],
    ...small,
  },
  {
    id: 'R21',
    title: 'one variable for the promised and the accepted ballot: a 1b reports votes at its own ballot',
    seenIn: 'EPaxos',
    patches: [
      { file: file('protocol/acceptor'), find: 'opn, ballot: vote.ballot,', replace: 'opn, ballot: a.maxBal,' },
    ],
    ...small,
    bound: 3,
  },
  {
    id: 'R22',
    title: 'a new leader picks the vote of the lowest ballot instead of the highest',
    seenIn: 'Paxos folklore',
    patches: [
      {
        file: file('protocol/proposer'),
        find: 'ballotBefore(highest.ballot, vote.ballot)',
        replace: 'ballotBefore(vote.ballot, highest.ballot)',
      },
    ],
    ...small,
    bound: 3,
  },
  {
    id: 'R23',
    title: "2b's of different ballots add up to a quorum",
    seenIn: 'PySyncObj 169',
    patches: [
      {
        file: file('protocol/learner'),
        find: 'const l = s.learner; if (!learnable',
        replace:
          'const l = lt(s.learner.maxBal, m.ballot) ? { ...s.learner, maxBal: m.ballot } : s.learner; if (!learnable',
      },
    ],
    ...small,
  },
  {
    id: 'R24',
    title: "ballots are compared without the proposer's index",
    seenIn: 'Xraft 33',
    patches: [{ file: file('messages'), find: 'return a.proposer < b.proposer ? -1 : 1;', replace: 'return 0;' }],
    ...small,
    bound: 4,
  },
  {
    id: 'R27',
    title: 'gaps are never filled: a new leader proposes only above the highest vote that it hears of',
    seenIn: 'Paxos folklore',
    patches: [
      {
        file: file('protocol/proposer'),
        find: "phase: 'phase2', nextOpn: s.acceptor.truncationPoint",
        replace: "phase: 'phase2', nextOpn: Math.max(s.acceptor.truncationPoint, p.votedMax + 1)",
      },
    ],
    ...small,
  },
];
