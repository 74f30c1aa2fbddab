/** Bugs of order within a session: rule 9 of README.md, "request", written too loosely. */
import type { Patch, Plant } from '../../../src/refinement/plant.js';
import { host, hostFile, hunt, protocol } from './places.js';

const inTurnOf = (isRead: string): string =>
  `(seqno >= next && (seqno === floor || seqno === next)) || (${isRead} && seqno + 1 === next)`;

/** Rule 9 with `rule` in place of it, in protocol and host; `next` never goes back. */
const withRule = (rule: (isRead: string) => string): Plant['patches'] => [
  { file: protocol('requests'), find: inTurnOf('!isWrite(command)'), replace: rule('!isWrite(command)') },
  { file: hostFile, find: inTurnOf('isRead(command)'), replace: rule('isRead(command)') },
  {
    file: protocol('requests'),
    find: 'const next = ordered ? successor(seqno) : (entry?.next ?? 0);',
    replace: 'const next = Math.max(ordered ? successor(seqno) : 0, entry?.next ?? 0);',
  },
  {
    file: host('session-table'),
    find: 'if (next !== undefined) entry.next = next;',
    replace: 'if (next !== undefined) entry.next = Math.max(next, entry.next);',
  },
];

/** The rule of the protocol as K19 has it, for the explorer too. */
export const looseOrder: readonly Patch[] = withRule(() => 'seqno - floor <= 3').filter(
  ({ file }) => file === protocol('requests'),
);

/** Clusters in which somebody breaks the rules in ordered sessions: nobody else goes on behind a read that may come again. */
const misused: Plant['patches'] = [
  { file: 'systems/ironkv/simulation.js', find: 'random.chance(0.6) ? [new Misuser', replace: 'true ? [new Misuser' },
  { file: 'systems/ironkv/simulation/misuser.js', find: 'ordered: random.chance(0.4)', replace: 'ordered: true' },
  {
    file: 'systems/ironkv/simulation/misuser.js',
    find: 'const requestsMax = 40;',
    replace: 'const requestsMax = 300;',
  },
  {
    file: 'systems/ironkv/simulation/draw.js',
    find: 'sessionWindowMax: random.pick([1, 2, 4, 16])',
    replace: 'sessionWindowMax: 4',
  },
];

/** In the order of their numbers. */
export const orderPlants: readonly Plant[] = [
  {
    id: 'K19',
    title: 'an ordered request is executed though some before it were not, if they are few',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: withRule(() => 'seqno - floor <= 3'),
    hunt,
  },
  {
    id: 'K20',
    title: 'each read that was executed may be asked again, not only the last one',
    seenIn: 'folklore',
    planted: 'protocol and host; clusters with a client that breaks the rules of ordered sessions',
    checks: ['INV'],
    patches: [
      ...withRule((isRead) => `(seqno >= next && (seqno === floor || seqno === next)) || (${isRead} && seqno < next)`),
      ...misused,
    ],
    hunt: { ...hunt, nodes: 2 },
  },
];
