/** Bugs of the client, which the simulation drives: no host does anything wrong, and only what clients saw, or did not get, tells. */
import type { Plant } from '../../../src/refinement/plant.js';
import { hunt, live } from './places.js';

const core = 'systems/ironkv/client/core.js';
const sessionWindow = 'src/client/session-window.js';

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
        find: 'for (const pending of due) window.remove(pending);',
        replace: 'for (const pending of due) { window.remove(pending); window.takeBack(pending.seqno); }',
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
    patches: [{ file: core, find: '|| !sameSession(window.session, message.session)', replace: '' }],
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
        file: core,
        find: 'for (const pending of due) this.#send(window, pending, this.#targetOf(pending), nowMs);',
        replace: `for (const pending of due) {
          if (!window.full) { window.remove(pending); window.add(pending); }
          this.#send(window, pending, this.#targetOf(pending), nowMs);
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
];
