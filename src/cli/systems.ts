/** The table of systems: with gateways.ts and its like the only place under src/ that names them. */
import {
  type AdministratorOptions,
  ironkv,
  parameterRanges as ironkvParameterRanges,
  defaultParameters as kvParameters,
} from '../../systems/ironkv/index.js';
import { ironrsm, parameterRanges } from '../../systems/ironrsm/main.js';
import { parameterRanges as lockParameterRanges, lockSystem } from '../../systems/lock/index.js';
import { type ClusterConfig, clientAddressFor } from './config.js';
import { kvRespStore, rsmGatewayProblem, rsmRespStore } from './gateways.js';
import { entryOf, type SystemEntry } from './systems/entry.js';

export * as kv from '../../systems/ironkv/index.js';
export * as rsm from '../../systems/ironrsm/index.js';
export * from './systems/entry.js';

/** How a client or administrator of the cluster of IronKV in `config` reaches it. */
export const kvClientOptions = (config: ClusterConfig): AdministratorOptions => ({
  cluster: config.cluster,
  hosts: config.nodes.map((n) => n.address),
  administrators: config.administrators ?? [],
  nameOf: (host) => `${config.nodes.find(({ address }) => address === host)?.id} (${host})`,
  address: clientAddressFor(config),
  datagramBytesMax: config.network.datagramBytesMax,
  window: config.parameters.sessionWindowMax ?? kvParameters.sessionWindowMax,
  keyBytesMax: config.parameters.keyBytesMax ?? kvParameters.keyBytesMax,
  valueBytesMax: config.parameters.valueBytesMax ?? kvParameters.valueBytesMax,
});

/** Every system that the command line knows. */
export const systems: readonly SystemEntry[] = [
  entryOf(lockSystem, {
    shape: { applications: [], parameters: lockParameterRanges },
    counters: ({ epoch }) => ({ epoch }),
    status: {
      request: (nonce) => ({ tag: 'statusRequest' as const, nonce }),
      fieldsIn: (message, nonce) =>
        message.tag === 'status' && message.nonce === nonce
          ? { holds: message.holds, epoch: message.epoch }
          : undefined,
    },
  }),
  entryOf(ironrsm, {
    shape: { applications: ['kv', 'counter'], parameters: parameterRanges },
    counters: ({ executor }) => ({
      operationsExecuted: executor.opsComplete,
      operationsDropped: executor.logStart,
      sessionsLive: executor.sessions.size,
    }),
    status: {
      request: (nonce) => ({ tag: 'statusRequest' as const, nonce }),
      fieldsIn: (message, nonce) => {
        if (message.tag !== 'status' || message.nonce !== nonce) return undefined;
        const { view, leading, opsComplete, truncationPoint, sessions } = message;
        return { view: `${view.seqno}.${view.proposer}`, leading, opsComplete, truncationPoint, sessions };
      },
    },
    respStore: rsmRespStore,
    gatewayProblem: ({ application }) => rsmGatewayProblem(application),
  }),
  entryOf(ironkv, {
    shape: { applications: [], parameters: ironkvParameterRanges, administrators: true },
    counters: ({ table, sessions, moves, counters }) => ({
      keys: table.size,
      sessions: sessions.size,
      moves: moves.length,
      ...counters,
    }),
    respStore: kvRespStore,
  }),
];
