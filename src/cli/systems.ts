/** The table of systems: the only place under src/ that names them. */
import { ironrsm, parameterRanges } from '../../systems/ironrsm/main.js';
import { parameterRanges as lockParameterRanges, lockSystem } from '../../systems/lock/index.js';
import { entryOf, type SystemEntry } from './systems/entry.js';

export * as rsm from '../../systems/ironrsm/index.js';
export * from './systems/entry.js';

/** Every system that the command line knows. */
export const systems: readonly SystemEntry[] = [
  entryOf(lockSystem, {
    shape: { applications: [], parameters: lockParameterRanges },
    counters: ({ epoch }) => ({ epoch }),
    statusRequest: (nonce) => ({ tag: 'statusRequest' as const, nonce }),
    statusIn: (message, nonce) =>
      message.tag === 'status' && message.nonce === nonce ? { holds: message.holds, epoch: message.epoch } : undefined,
  }),
  entryOf(ironrsm, {
    shape: { applications: ['kv', 'counter'], parameters: parameterRanges },
    counters: ({ executor }) => ({
      operationsExecuted: executor.opsComplete,
      operationsDropped: executor.logStart,
      sessionsLive: executor.sessions.size,
    }),
    statusRequest: (nonce) => ({ tag: 'statusRequest' as const, nonce }),
    statusIn: (message, nonce) => {
      if (message.tag !== 'status' || message.nonce !== nonce) return undefined;
      const { view, leading, opsComplete, truncationPoint, sessions } = message;
      return { view: `${view.seqno}.${view.proposer}`, leading, opsComplete, truncationPoint, sessions };
    },
  }),
];
