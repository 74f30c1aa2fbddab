/** Faults of single datagrams: each meets its fate by chance, as over UDP. */
import type { Random } from '../../random.js';
import type { ActiveFault, Fault, FaultWorld } from './fault.js';

/** Of datagrams, at full strength. */
export const lossMax = 0.25;
export const duplicateMax = 0.25;
const delayMax = 0.1;
const corruptMax = 0.05;
const reorderDelayMsMax = 20;
const longDelayMsMax = 400;

/** A datagram never arrives. */
export const loss: Fault = {
  share: 2 / 3,
  begin: ({ random, strength, fired }) => ({
    takes: () => {
      const lost = random.chance(strength * lossMax);
      if (lost) fired();
      return lost;
    },
  }),
};

/** A datagram arrives twice. */
export const duplicate: Fault = {
  share: 2 / 3,
  begin: ({ random, strength, fired }) => ({
    copies: () => {
      const twice = random.chance(strength * duplicateMax);
      if (twice) fired();
      return twice ? 1 : 0;
    },
  }),
};

const delayed = (world: FaultWorld, probability: number, delayMsMax: number): ActiveFault => ({
  alters: (flight) => {
    if (!world.random.chance(probability)) return;
    world.fired();
    flight.delayMs += world.random.between(0, delayMsMax);
  },
});

/** A datagram takes long, so that what it says is old when it arrives. */
export const delay: Fault = {
  share: 2 / 3,
  begin: (world) => delayed(world, world.strength * delayMax, longDelayMsMax),
};

/** Datagrams that are sent soon after each other overtake one another. */
export const reorder: Fault = {
  share: 2 / 3,
  begin: (world) => delayed(world, 0.5, world.strength * reorderDelayMsMax),
};

/** A copy with one bit flipped, or cut short. */
const corrupted = (bytes: Uint8Array, random: Random): Uint8Array => {
  if (bytes.length > 1 && random.chance(0.3)) return bytes.slice(0, random.int(0, bytes.length - 1));
  const copy = bytes.slice();
  const at = random.int(0, copy.length - 1);
  copy[at] = (copy[at] as number) ^ (1 << random.int(0, 7));
  return copy;
};

/** A datagram is cut short, or a bit of it is flipped. Its checksum turns that into loss. */
export const corrupt: Fault = {
  share: 2 / 3,
  begin: ({ random, strength, fired }) => ({
    alters: (flight) => {
      if (!random.chance(strength * corruptMax)) return;
      fired();
      flight.datagram = { ...flight.datagram, bytes: corrupted(flight.datagram.bytes, random) };
    },
  }),
};
