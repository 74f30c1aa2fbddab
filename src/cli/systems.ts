/** The table of systems: with gateways.ts and its like the only place under src/ that names them. */
import { ironkv, parameterRanges as ironkvParameterRanges } from '../../systems/ironkv/index.js';
import { ironrsm, parameterRanges } from '../../systems/ironrsm/main.js';
import { parameterRanges as lockParameterRanges, lockSystem } from '../../systems/lock/index.js';
import { kvRespStore, rsmRespStore } from './gateways.js';
import { entryOf, type SystemEntry } from './systems/entry.js';

export * as kv from '../../systems/ironkv/index.js';
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
    respStore: rsmRespStore,
  }),
  entryOf(ironkv, {
    shape: { applications: [], parameters: ironkvParameterRanges, administrators: true },
    counters: ({ table, sessions, moves, counters }) => ({
      keys: table.size,
      sessions: sessions.size,
      moves: moves.length,
      ...counters,
    }),
    statusRequest: (nonce) => ({ tag: 'statusRequest' as const, nonce, from: new Uint8Array() }),
    statusIn: (message, nonce) => {
      if (message.tag !== 'status' || message.nonce !== nonce) return undefined;
      const { keys, sessions, moves, ranges } = message;
      return { keys, sessions, moves: moves.length, rangesOwned: ranges.filter(({ load }) => load !== null).length };
    },
    respStore: kvRespStore,
  }),
];
