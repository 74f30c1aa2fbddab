/** The table of systems: the only place under src/ that names them. */
import { ironrsm, parameterRanges } from '../../systems/ironrsm/main.js';
import { entryOf, type SystemEntry } from './systems/entry.js';

export * as rsm from '../../systems/ironrsm/index.js';
export * from './systems/entry.js';

/** Every system that the command line knows. */
export const systems: readonly SystemEntry[] = [
  entryOf(ironrsm, {
    shape: { applications: ['kv', 'counter'], parameters: parameterRanges },
    counters: ({ executor }) => ({ operationsExecuted: executor.opsComplete, clientsKnown: executor.replies.size }),
  }),
];
