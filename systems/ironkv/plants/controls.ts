/** Controls: changes that are equivalent to correct code and must stay green. */
import type { Plant } from '../../../src/refinement/plant.js';
import { control, host, hostFile, protocol } from './places.js';

/** Small, since each must stay green over all its runs. */
export const controlPlants: readonly Plant[] = [
  {
    id: 'KC1',
    title: 'a host that takes one packet in a step',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [{ file: host('intake'), find: 'packets.length < this.#receiveMax', replace: 'packets.length < 1' }],
    hunt: control,
  },
  {
    id: 'KC2',
    title: 'a host that sends again before it hands over',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      {
        file: hostFile,
        find: 'this.#mover.handOver(); this.#deliveries.resend();',
        replace: 'this.#deliveries.resend(); this.#mover.handOver();',
      },
    ],
    hunt: control,
  },
  {
    id: 'KC3',
    title: 'the same test of ownership, written otherwise',
    seenIn: '',
    planted: 'protocol and host',
    checks: [],
    patches: [
      {
        file: protocol('delegation-map'),
        find: 'return end === null || (hi !== null && hi <= end);',
        replace: 'return !(end !== null && (hi === null || hi > end));',
      },
      {
        file: host('delegation-map'),
        find: 'return end === null || (hi !== null && hi <= end);',
        replace: 'return !(end !== null && (hi === null || hi > end));',
      },
    ],
    hunt: control,
  },
];
