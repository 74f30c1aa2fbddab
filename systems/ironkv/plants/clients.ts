/** Bugs of the client, which the simulation drives: no host does anything wrong, and only what clients saw, or did not get, tells. */
import type { Hunt, Plant } from '../../../src/refinement/plant.js';
import { control, hunt, live } from './places.js';

const core = 'systems/ironkv/client/core.js';
const drawFile = 'systems/ironkv/simulation/draw.js';
const sessionWindow = 'src/client/session-window.js';

/** Clusters with nothing but gateways, between ranges that move all the time: connections with many requests under way, and hosts that forget no session. */
const gateways: Plant['patches'] = [
  { file: 'systems/ironkv/simulation.js', find: 'const gatewayShare = 0.3;', replace: 'const gatewayShare = 1;' },
  { file: 'systems/ironkv/simulation.js', find: 'random.pick([5, 15, 60])', replace: '5' },
  {
    file: 'systems/ironkv/simulation.js',
    find: 'pauseMsMax: random.pick([10, 50, 200]), triesMax: random.pick([3, 20, 1000])',
    replace: 'pauseMsMax: 10, triesMax: 1000',
  },
  { file: drawFile, find: 'sessionWindowMax: random.pick([1, 2, 4, 16])', replace: 'sessionWindowMax: 16' },
  { file: drawFile, find: 'sessionsMax: random.pick([2, 4, 8, 64, 64])', replace: 'sessionsMax: 64' },
  { file: drawFile, find: 'sessionsAnnounced: random.pick([1, 2, 8, 1 << 20])', replace: 'sessionsAnnounced: 1 << 20' },
  { file: drawFile, find: 'users: random.pick([1, 1, 2, 4])', replace: 'users: 4' },
  { file: drawFile, find: 'retryMs: random.int(10, 60)', replace: 'retryMs: 10' },
  {
    file: drawFile,
    find: 'timeoutMs: random.chance(1 / 3) ? habits.timeoutMs : Infinity',
    replace: 'timeoutMs: Infinity',
  },
];

/** Clusters of ordered sessions with many requests under way. */
const inOrder: Plant['patches'] = [
  { file: 'systems/ironkv/simulation.js', find: 'random.pick([5, 15, 60])', replace: '5' },
  { file: drawFile, find: 'sessionWindowMax: random.pick([1, 2, 4, 16])', replace: 'sessionWindowMax: 16' },
  { file: drawFile, find: 'sessionsMax: random.pick([2, 4, 8, 64, 64])', replace: 'sessionsMax: 64' },
  { file: drawFile, find: 'ordered: random.chance(0.4)', replace: 'ordered: true' },
  { file: drawFile, find: 'window: random.int(1, sessionWindowMax)', replace: 'window: sessionWindowMax' },
  { file: drawFile, find: 'users: random.pick([1, 1, 2, 4])', replace: 'users: 4' },
];

const gatewayHunt: Hunt = { ...hunt, steps: 1200, nodes: 2, faults: ['loss'] };

/** In the order of their numbers. */
export const clientPlants: readonly Plant[] = [
  {
    id: 'KL1',
    title: 'the client uses the seqno of a request that it gave up for the next one',
    seenIn: 'folklore',
    planted: 'client',
    checks: ['LIN'],
    patches: [
      {
        file: core,
        find: 'for (const pending of due) this.#remove(pending.window, pending);',
        replace: `for (const pending of due) {
          this.#remove(pending.window, pending);
          pending.window.takeBack(pending.seqno);
        }`,
      },
      {
        file: sessionWindow,
        find: 'remove(request) {',
        replace: `takeBack(seqno) {
          if (this.#count > 0 || this.#next !== seqno + 1) return;
          this.#next = seqno;
          this.#floor = seqno;
        }
        remove(request) {`,
      },
    ],
    hunt,
  },
  {
    id: 'KL2',
    title: 'the client takes the reply to another session for its own',
    seenIn: 'folklore',
    planted: 'client',
    checks: ['LIN'],
    patches: [
      {
        file: 'systems/ironkv/client/sessions.js',
        find: 'if (current !== undefined && sameSession(current.session, session)) return current;',
        replace: 'if (current !== undefined) return current;',
      },
    ],
    hunt,
  },
  {
    id: 'KL3',
    title: 'the client sends a request again under a new seqno',
    seenIn: 'folklore',
    planted: 'client',
    checks: ['LIN'],
    patches: [
      {
        file: 'systems/ironkv/client/retries.js',
        find: 'for (const pending of again) send(pending.window, pending, targetOf(pending), nowMs);',
        replace: `for (const pending of again) {
          const { window } = pending;
          if (!window.full) { window.remove(pending); window.add(pending); }
          send(window, pending, targetOf(pending), nowMs);
        }`,
      },
    ],
    hunt,
  },
  {
    id: 'KL4',
    title: 'the client of an ordered session does not send again what it was told is out of order',
    seenIn: 'folklore',
    planted: 'client',
    checks: ['LIVE'],
    patches: [{ file: core, find: 'this.#lane.backTo(pending.seqno);', replace: '' }],
    hunt: live,
  },
  {
    id: 'KL5',
    title:
      'a gateway lets writes follow a read to its own host, though the read may have been executed elsewhere and its reply lost',
    seenIn: 'an earlier gateway of this store',
    planted: 'client; clusters with gateways only',
    checks: ['LIVE'],
    patches: [
      {
        file: core,
        find: 'if (host !== reliableHost) pending.maybeUnheard = true;',
        replace: 'pending.maybeUnheard = host !== reliableHost;',
      },
      ...gateways,
    ],
    hunt: gatewayHunt,
  },
  {
    id: 'KL6',
    title: 'the client of an ordered session does not tell hosts that it is ordered',
    seenIn: 'folklore',
    planted: 'client; ordered sessions only, with many requests under way',
    checks: ['LIN'],
    patches: [
      {
        file: core,
        find: "this.#effects.send(host, { tag: 'request', session, seqno, floor, ordered, command })",
        replace: "this.#effects.send(host, { tag: 'request', session, seqno, floor, ordered: false, command })",
      },
      ...inOrder,
    ],
    hunt: { ...hunt, nodes: 2 },
  },
];

/** The clusters of the bugs above, unharmed. */
export const clientControls: readonly Plant[] = [
  {
    id: 'KC5',
    title: 'a gateway notes in other words that a reply may have been lost',
    seenIn: '',
    planted: 'client; clusters with gateways only',
    checks: [],
    patches: [
      {
        file: core,
        find: 'if (host !== reliableHost) pending.maybeUnheard = true;',
        replace: 'pending.maybeUnheard ||= !(host === reliableHost);',
      },
      ...gateways,
    ],
    hunt: { ...gatewayHunt, runs: control.runs },
  },
  {
    id: 'KC6',
    title: 'the client of an ordered session says so in other words',
    seenIn: '',
    planted: 'client; ordered sessions only, with many requests under way',
    checks: [],
    patches: [
      {
        file: core,
        find: "this.#effects.send(host, { tag: 'request', session, seqno, floor, ordered, command })",
        replace: "this.#effects.send(host, { tag: 'request', session, seqno, floor, ordered: !!ordered, command })",
      },
      ...inOrder,
    ],
    hunt: { ...control, nodes: 2 },
  },
];
