/** Where plants are planted, and how long they are looked for. */
import type { Hunt, Patch } from '../../../src/refinement/plant.js';

/** A file of the host's roles. */
export const host = (role: string): string => `systems/ironrsm/host/${role}.js`;
/** A file of the protocol's roles. */
export const protocol = (role: string): string => `systems/ironrsm/protocol/${role}.js`;

export const hostFile = 'systems/ironrsm/host.js';
export const protocolFile = 'systems/ironrsm/protocol.js';
export const messagesFile = 'systems/ironrsm/messages.js';

/** For bugs that show wherever requests are executed. */
export const quick: Hunt = { runs: 60, steps: 1000 };
/** For bugs that show only where views change often. */
export const long: Hunt = { runs: 400, steps: 3000 };
/** For bugs that stop progress: short safety phases, since what counts comes after the faults heal. */
export const live: Hunt = { runs: 200, steps: 600 };
/** Controls must stay green over this much. */
export const control: Hunt = { runs: 20, steps: 1000 };

/**
 * The invariants that say that every state is the fold of the chosen operations imply that execution is right, and would
 * report first. Whoever overlooked the bug had not stated them; without them the service must still report it.
 */
export const withoutFolds: readonly Patch[] = [
  {
    file: 'systems/ironrsm/invariants/replicas.js',
    find: 'decidedWasChosen, statesAreFolds,',
    replace: 'decidedWasChosen,',
  },
  {
    file: 'systems/ironrsm/invariants/messages.js',
    find: 'chosenQuorumsMatch, suppliedStatesAreFolds,',
    replace: 'chosenQuorumsMatch,',
  },
];
