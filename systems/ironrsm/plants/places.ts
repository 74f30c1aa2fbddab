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

/** Epochs as short as the simulation draws them, and none that grow: views change often, and a proposer soon has its turn again. */
export const shortEpochs: readonly Patch[] = [
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'viewTimeoutMs: random.chance(0.5) ? random.int(15, 60) : random.int(60, 300)',
    replace: 'viewTimeoutMs: random.int(15, 30)',
  },
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'viewTimeoutMsMax: random.pick([60, 300, 2_000])',
    replace: 'viewTimeoutMsMax: 60',
  },
];

/** Five clients, and an operation for each of their requests: views end with several operations half done. */
export const manyAtATime: readonly Patch[] = [
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'const count = options.clients ?? drawnClients;',
    replace: 'const count = 5;',
  },
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'batchRequestsMax: random.pick([1, 2, 8]), pipelineMax: random.pick([1, 2, 4]),',
    replace: 'batchRequestsMax: 1, pipelineMax: 4,',
  },
];

/** A network that loses many datagrams, and nothing that sends a 2a again: votes of several ballots stay half done. */
export const halfDoneVotes: readonly Patch[] = [
  {
    file: 'src/refinement/simulation/faults/datagrams.js',
    find: 'const lost = random.chance(strength * lossMax);',
    replace: 'const lost = random.chance(0.4);',
  },
  {
    file: 'src/refinement/simulation/faults.js',
    find: "const on = random.chance(name === 'stranger' ? strangerShare : faults[name].share);",
    replace: "const on = random.chance(name === 'stranger' ? strangerShare : faults[name].share) || name === 'loss';",
  },
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'retransmitPeriodMs: random.int(30, 100)',
    replace: 'retransmitPeriodMs: 1000',
  },
];

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
