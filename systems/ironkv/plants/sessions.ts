/** Bugs of sessions: used without being announced, opened expired. */
import type { Hunt, Plant } from '../../../src/refinement/plant.js';
import { control, host, hostFile, hunt, live, protocol } from './places.js';

const drawFile = 'systems/ironkv/simulation/draw.js';

/**
 * Clusters that are attacked without a pause, with blocks that nobody uses up and hosts that remember two sessions. Commands are
 * writes within the limits, since others are answered whatever their session.
 */
const attacked: Plant['patches'] = [
  { file: drawFile, find: 'random.pick([1, 2, 8, 1 << 20])', replace: '1 << 20' },
  { file: drawFile, find: 'random.pick([2, 4, 8, 64, 64])', replace: '2' },
  { file: drawFile, find: 'switch (random.int(0, 11)) {', replace: 'switch (random.int(4, 11)) {' },
  { file: drawFile, find: 'if (random.chance(0.01)) return', replace: 'if (false) return' },
  { file: drawFile, find: 'bytesOfKey(random.chance(0.01) ?', replace: 'bytesOfKey(false ?' },
  { file: 'systems/ironkv/simulation.js', find: 'const attackedShare = 0.3;', replace: 'const attackedShare = 1;' },
  {
    file: 'systems/ironkv/simulation/inventor.js',
    find: 'switch (random.int(0, 3)) {',
    replace: 'switch (random.int(0, 1)) {',
  },
];

const attackedHunt: Hunt = { ...live, nodes: 2 };

/** In the order of their numbers. */
export const sessionPlants: readonly Plant[] = [
  {
    id: 'K15',
    title: 'takes any session: one invented number expires all that its opener gives out later',
    seenIn: 'an earlier protocol of this store',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocol('requests'),
        find: 'if (entry === undefined && !isAnnounced(s, m.session))',
        replace: 'if (false)',
      },
      {
        file: hostFile,
        find: 'else if (entry === undefined && !this.#sessions.isAnnounced(session)) {',
        replace: 'else if (false) {',
      },
    ],
    hunt,
  },
  {
    id: 'K16',
    title: 'an opener gives out numbers that it knows to be expired',
    seenIn: 'an earlier protocol of this store',
    planted: 'protocol and host; clusters under attack',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('announcements'),
        find: 'return horizon <= index ? counts.opened : Math.max(counts.opened, Math.ceil((horizon - index) / hostsMax));',
        replace: 'return counts.opened;',
      },
      {
        file: host('session-table'),
        find: 'let count = Math.max(this.opened, Math.floor(horizon / hostsMax)); if (count * hostsMax + myIndex < horizon)',
        replace: 'let count = this.opened; if (false)',
      },
      ...attacked,
    ],
    hunt: attackedHunt,
  },
  {
    id: 'K17',
    title: 'an opener is never warned that its sessions expire elsewhere',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      { file: protocol('announcements'), find: 'announced < bound || warned < horizon', replace: 'announced < bound' },
      {
        file: host('announcer'),
        find: 'if (peer.announced >= bound && peer.warned >= horizon)',
        replace: 'if (peer.announced >= bound)',
      },
    ],
    hunt: live,
  },
  {
    id: 'K18',
    title: 'a bound grows and nobody is told',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      { file: protocol('announcements'), find: 'announced < bound || warned < horizon', replace: 'warned < horizon' },
      {
        file: host('announcer'),
        find: 'if (peer.announced >= bound && peer.warned >= horizon)',
        replace: 'if (peer.warned >= horizon)',
      },
    ],
    hunt: live,
  },
];

/** The clusters of the bugs above, unharmed. */
export const sessionControls: readonly Plant[] = [
  {
    id: 'KC4',
    title: 'the same guard of announce, written otherwise, in clusters under attack',
    seenIn: '',
    planted: 'protocol and host; clusters under attack',
    checks: [],
    patches: [
      {
        file: protocol('announcements'),
        find: 'announced < bound || warned < horizon',
        replace: '!(announced >= bound && warned >= horizon)',
      },
      {
        file: host('announcer'),
        find: 'if (peer.announced >= bound && peer.warned >= horizon)',
        replace: 'if (!(peer.announced < bound || peer.warned < horizon))',
      },
      ...attacked,
    ],
    hunt: { ...control, nodes: 2 },
  },
];
