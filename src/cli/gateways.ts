/** What stands behind a gateway of the Redis protocol, for each system that has one: part of the table of systems. */
import { KvGateway, valueBytesAt } from '../../systems/ironkv/gateway.js';
import type { Configuration as KvConfiguration, KvHost, KvMessage } from '../../systems/ironkv/index.js';
import { type GatewaySession, RsmGateway } from '../../systems/ironrsm/gateway.js';
import * as rsm from '../../systems/ironrsm/index.js';
import { E, unreachable } from '../spec/prelude.js';
import { clientAddressFor } from './config.js';
import type { RespStore, StoreCommand, StoreOutcome, StoreSession, StoreSettlement } from './gateway/store.js';
import type { RespStoreParts } from './systems/entry.js';

const countKeysTimeoutMs = 1000;

/** IronKV: each command goes to the owner of its key. */
export const kvRespStore = async (
  parts: RespStoreParts<KvConfiguration, KvHost, KvMessage>,
): Promise<E.Either<string, RespStore>> => {
  const { config, constants, host, me, openDoor, timeoutMs } = parts;
  const cluster = {
    cluster: config.cluster,
    hosts: constants.hosts,
    address: clientAddressFor(config),
    datagramBytesMax: config.network.datagramBytesMax,
  };
  const opened = await KvGateway.open({ cluster, configuration: constants, me, openDoor, timeoutMs });
  if (E.isLeft(opened)) return opened;
  const gateway = opened.right;
  const { keyBytesMax, valueBytesMax } = constants.parameters;
  const myIndex = constants.hosts.indexOf(me);
  return E.right({
    keyBytesMax,
    valueBytesMax,
    session: () => ({ ...gateway.session(), countKeys: () => gateway.countKeys(countKeysTimeoutMs) }),
    sizeOf: (key) => valueBytesAt(host, myIndex, key),
    close: () => gateway.close(),
  });
};

const keyCommandOf = (command: StoreCommand): rsm.KvKeyCommand => {
  const { key } = command;
  switch (command.tag) {
    case 'get':
    case 'length':
      return { tag: command.tag, key };
    case 'set':
      return command.when === 'always'
        ? { tag: 'set', key, value: command.value }
        : { tag: 'setIf', key, value: command.value, when: command.when };
    case 'delete':
      return { tag: 'del', key };
    case 'compareAndSet':
      return { tag: 'cas', key, old: command.old, new: command.value };
    case 'increment':
      return { tag: 'add', key, by: command.by };
    case 'append':
      return { tag: 'append', key, value: command.value };
    default:
      return unreachable(command);
  }
};

const failed = (message: string): StoreSettlement => ({ tag: 'failed', error: { message } });

const outcome = (told: StoreOutcome): StoreSettlement => ({ tag: 'outcome', outcome: told });

const settlementOf = (reply: rsm.KvReply): StoreSettlement => {
  switch (reply.tag) {
    case 'value':
    case 'done':
    case 'number':
    case 'length':
      return outcome(reply);
    case 'ok':
      return outcome({ tag: 'done', done: true });
    case 'error':
      return reply.error === 'MALFORMED'
        ? failed('the replicas could not read the command')
        : outcome({ tag: 'failed', error: reply.error });
    default:
      return failed('the replicas answered something else');
  }
};

/** Commands of the key-value application, in one session of the gateway. */
const rsmSession = (session: GatewaySession): StoreSession => {
  const ask = (command: rsm.KvCommand, settled: (reply: E.Either<StoreSettlement, rsm.KvReply>) => void): void =>
    session.request(rsm.encodeCommand(command), (ended) => {
      if (ended.tag === 'failed') settled(E.left(ended));
      else {
        const reply = rsm.decodeReply(ended.value);
        settled(E.isLeft(reply) ? E.left(failed('the reply cannot be read')) : reply);
      }
    });
  const one = (command: rsm.KvCommand, settled: (settlement: StoreSettlement) => void): void =>
    ask(command, (reply) => settled(E.isLeft(reply) ? reply.left : settlementOf(reply.right)));
  return {
    request: (command, settled) => one(keyCommandOf(command), settled),
    atomic: {
      all: (commands, settled) =>
        ask({ tag: 'all', commands: commands.map(keyCommandOf) }, (reply) => {
          if (E.isRight(reply) && reply.right.tag === 'all') settled(reply.right.replies.map(settlementOf));
          else {
            const same = E.isLeft(reply) ? reply.left : settlementOf(reply.right);
            settled(commands.map(() => same));
          }
        }),
      swap: (key, value, settled) => one({ tag: 'swap', key, value }, settled),
    },
    countKeys: () =>
      new Promise((resolve) =>
        one({ tag: 'size' }, (ended) => {
          const told = ended.tag === 'outcome' ? ended.outcome : undefined;
          resolve(told?.tag === 'number' ? told.number : undefined);
        }),
      ),
    close: () => session.close(),
  };
};

/** Why replicas of an application can have no gateway, in one sentence; `undefined` where they can. */
export const rsmGatewayProblem = (application: string | undefined): string | undefined =>
  application === rsm.kv.name
    ? undefined
    : `the application ${application} has no gateway: --resp is for the application kv`;

/** IronRSM's key-value application: each command is one operation, however many keys it has. */
export const rsmRespStore = async (
  parts: RespStoreParts<rsm.Configuration, rsm.ReplicaHost, rsm.RsmMessage>,
): Promise<E.Either<string, RespStore>> => {
  const { config, constants, host, me, openDoor, timeoutMs } = parts;
  const problem = rsmGatewayProblem(constants.app.name);
  if (problem !== undefined) return E.left(problem);
  const cluster = {
    cluster: config.cluster,
    replicas: constants.replicas,
    address: clientAddressFor(config),
    datagramBytesMax: config.network.datagramBytesMax,
  };
  const opened = await RsmGateway.open({ cluster, configuration: constants, me, openDoor, timeoutMs });
  if (E.isLeft(opened)) return opened;
  const gateway = opened.right;
  const { requestBytesMax } = constants.parameters;
  return E.right({
    keyBytesMax: rsm.keyBytesMax,
    valueBytesMax: Math.min(rsm.valueBytesMax, requestBytesMax),
    session: () => rsmSession(gateway.session()),
    // The application is kv, as was checked, and its state what this replica executed so far.
    sizeOf: (key) => (host.executor.app as rsm.KvState).get(rsm.stateKey(key))?.length ?? 0,
    close: () => gateway.close(),
  });
};
