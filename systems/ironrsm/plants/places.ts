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

/** Parameters that every cluster of a hunt has, in JavaScript: an expression may draw from `random`. */
export const drawing = (parameters: string): Patch => ({
  file: 'systems/ironrsm/simulation.js',
  find: '...scenario.parameters }',
  replace: `...scenario.parameters, ${parameters} }`,
});

/** Epochs as short as the simulation draws them, and none that grow: views change often, and a proposer soon has its turn again. */
export const shortEpochs = 'viewTimeoutMs: random.int(15, 30), viewTimeoutMsMax: 60';

/** An operation for each request, several at a time, and nothing that sends a 2a again: views end with several operations half done. */
export const manyOperations =
  'batchRequestsMax: 1, pipelineMax: 4, retransmitPeriodMs: 1000, retransmitPeriodMsMax: 1000';

/** A log that forgets at once, and states in small pieces: whoever lags gets a state, in several datagrams. */
export const smallPieces = 'retainOpsMax: 1, pieceBytesMax: random.pick([24, 200])';

/** Five machines of clients. */
export const manyClients: Patch = {
  file: 'systems/ironrsm/simulation.js',
  find: 'options.clients ?? drawn',
  replace: '5',
};

/** Only the counter: an execution too many, or one too few, shows in every later reply. */
export const counterOnly: Patch = {
  file: 'systems/ironrsm/simulation.js',
  find: 'random.chance(0.3) || scenario.counts === true',
  replace: 'true',
};

/** Where datagrams are delayed, many are, by up to 400 ms. */
export const manyDelays: Patch = {
  file: 'src/refinement/simulation/faults/datagrams.js',
  find: 'const delayMax = 0.1;',
  replace: 'const delayMax = 0.5;',
};

/** A network that loses many datagrams. */
export const manyLosses: readonly Patch[] = [
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
];

/**
 * The invariants that say that every state is the fold of the chosen operations imply that execution is right, and would
 * report first. Whoever overlooked the bug had not stated them; without them the service must still report it.
 */
export const withoutFolds: readonly Patch[] = [
  {
    file: 'systems/ironrsm/invariants/replicas.js',
    find: 'logIsWhole, statesAreFolds,',
    replace: 'logIsWhole,',
  },
  {
    file: 'systems/ironrsm/invariants/messages.js',
    find: 'suppliedOperationsWereChosen, piecesAreOfTheFold,',
    replace: 'suppliedOperationsWereChosen,',
  },
];
