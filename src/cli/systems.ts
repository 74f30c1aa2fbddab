/** The table of systems: the only place under src/ that names them. */
import { KvGateway } from '../../systems/ironkv/gateway.js';
import {
  ironkv,
  parameterRanges as ironkvParameterRanges,
  type Configuration as KvConfiguration,
  type KvHost,
  type KvMessage,
  textOfKey,
} from '../../systems/ironkv/index.js';
import { ironrsm, parameterRanges } from '../../systems/ironrsm/main.js';
import { parameterRanges as lockParameterRanges, lockSystem } from '../../systems/lock/index.js';
import { E } from '../spec/prelude.js';
import { clientAddressFor } from './config.js';
import type { RespStore } from './gateway/store.js';
import { entryOf, type RespStoreParts, type SystemEntry } from './systems/entry.js';

export * as kv from '../../systems/ironkv/index.js';
export * as rsm from '../../systems/ironrsm/index.js';
export * from './systems/entry.js';

const countKeysTimeoutMs = 1000;

const kvRespStore = async (
  parts: RespStoreParts<KvConfiguration, KvHost, KvMessage>,
): Promise<E.Either<string, RespStore>> => {
  const { config, constants, host, me, openDoor } = parts;
  const cluster = {
    cluster: config.cluster,
    hosts: constants.hosts,
    address: clientAddressFor(config),
    datagramBytesMax: config.network.datagramBytesMax,
  };
  const opened = await KvGateway.open({ cluster, configuration: constants, me, openDoor });
  if (E.isLeft(opened)) return opened;
  const gateway = opened.right;
  const { keyBytesMax, valueBytesMax } = constants.parameters;
  return E.right({
    keyBytesMax,
    valueBytesMax,
    session: () => gateway.session(),
    sizeOf: (key) => host.table.get(textOfKey(key))?.length ?? 0,
    countKeys: () => gateway.countKeys(countKeysTimeoutMs),
    close: () => gateway.close(),
  });
};

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
