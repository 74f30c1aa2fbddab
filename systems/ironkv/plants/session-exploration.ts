/** Bugs of sessions and of order within them, planted in IronKV's protocol alone, for the explorer of `session-exploration.ts`. */
import type { ExplorationPlant } from '../../../src/refinement/plant.js';
import { looseOrder } from './order.js';
import { protocol } from './places.js';

/** In the order of their numbers. */
export const ironkvSessionPlants: readonly ExplorationPlant[] = [
  {
    id: 'K15',
    title: 'takes any session',
    seenIn: 'an earlier protocol of this store',
    patches: [
      {
        file: protocol('requests'),
        find: 'if (entry === undefined && !isAnnounced(s, m.session))',
        replace: 'if (false)',
      },
    ],
    ...{ size: 1, bound: 0, operations: 2 },
  },
  {
    id: 'K18',
    title: 'a bound grows and nobody is told',
    seenIn: 'folklore',
    patches: [
      { file: protocol('announcements'), find: 'announced < bound || warned < horizon', replace: 'warned < horizon' },
    ],
    ...{ size: 1, bound: 0, operations: 2 },
  },
  {
    id: 'K19',
    title: 'an ordered request is executed though some before it were not, if they are few',
    seenIn: 'folklore',
    patches: looseOrder,
    ...{ size: 2, bound: 1, operations: 1 },
  },
];
