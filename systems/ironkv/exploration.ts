/**
 * IronKV as a model for the explorer: two hosts, two keys, all of them moved to the second host and back in pieces of one key,
 * while a session's writes arrive at either host, in any order, any number of times.
 *
 * The reduction: the clock always reads 0, and `resend` is left out. It sends only what is in the set of packets for ever, and
 * changes only the timers that guard itself; so each behavior without it shows the same keys, sessions and answers. Sessions
 * are few enough to never expire; nobody opens one, so that nothing is to be announced; and no read is ordered, as each repetition of
 * one would have a stamp of its own.
 */
import { type ExploredCluster, type HostStep, protocolModel } from '../../src/refinement/explorer/protocol-model.js';
import { type ActionModel, leadsTo, sometimes } from '../../src/refinement/explorer.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { bytesOfKey, type Command } from './commands.js';
import { type Configuration, defaultParameters } from './configuration.js';
import { emptyHistory, type KvHistory, remember } from './history.js';
import { type KvMessage, kvCodec } from './messages.js';
import { type HostState, ironkvProtocol, type KvStep, ownerOf } from './protocol.js';
import { ironkvCluster } from './refinement.js';

export type KvState = ExploredCluster<HostState, KvMessage, KvHistory>;

/** The hosts of the models. */
export const modelHosts = [1, 2].map((i) => endPoint(`10.0.0.${i}:7000`)) as [EndPoint, EndPoint];
const administrator = endPoint('10.0.1.1:9000');
const client = endPoint('10.0.2.1:9000');

/** Who gives the orders that are to be refused, each host its own, so that none overtakes another. */
const others = [3, 4, 5].map((i) => endPoint(`10.0.1.${i}:9000`)) as [EndPoint, EndPoint, EndPoint];

/** Their cluster: pieces of one key, one at a time, that may be sent again at any time. */
export const modelCluster: Configuration = {
  hosts: modelHosts,
  administrators: [administrator, ...others],
  parameters: {
    ...defaultParameters,
    sessionWindowMax: 2,
    delegateKeysMax: 1,
    delegateRestMs: 0,
    deliveriesMax: 1,
    resendMs: 0,
    resendMsMax: 0,
    receiveMax: 1,
  },
};

/** An order to move every key. */
export const moveAll = (seqno: number, from: EndPoint, recipient: EndPoint): Packet<KvMessage> => ({
  source: administrator,
  target: from,
  message: { tag: 'shard', seqno, lo: bytesOfKey(''), hi: null, recipient },
});

const orderOf = (source: EndPoint, from: EndPoint, recipient: EndPoint): Packet<KvMessage> => ({
  ...moveAll(1, from, recipient),
  source,
});

/** Orders that are to be refused: of who has no right to give any; to the owner itself; to who is no host; of what is not owned. */
const refusable: readonly Packet<KvMessage>[] = [
  orderOf(client, modelHosts[0], modelHosts[1]),
  orderOf(others[0], modelHosts[0], modelHosts[0]),
  orderOf(others[1], modelHosts[0], client),
  orderOf(others[2], modelHosts[1], modelHosts[0]),
];

/** A delegate that nobody who is a host sent: everything, with a value of its own. */
const forged: Packet<KvMessage> = {
  source: client,
  target: modelHosts[1],
  message: {
    tag: 'deliver',
    seqno: 1,
    body: {
      ...{ tag: 'delegate', lo: bytesOfKey(''), hi: null, horizons: [0, 0], sessions: [] },
      pairs: [{ key: bytesOfKey('a'), value: bytesOfKey('7') }],
    },
  },
};

/** The write with this seqno; each asks that the one before the last is settled. Increments, so that one executed twice shows; the third deletes. */
export const writes = (seqno: number): readonly Packet<KvMessage>[] => {
  const key = bytesOfKey(seqno % 2 === 0 ? 'a' : 'b');
  const command: Command = seqno === 2 ? { tag: 'delete', key } : { tag: 'increment', key, by: 1 };
  const floor = Math.max(0, seqno - 1);
  const message = { tag: 'request', session: { number: 0, nonce: 0 }, seqno, floor, ordered: false, command } as const;
  return modelHosts.map((target) => ({ source: client, target, message }));
};

/** What a host may do. */
export const enabledSteps = (
  s: HostState,
  { inbox }: { readonly inbox: readonly Packet<KvMessage>[] },
): readonly KvStep[] => [
  ...inbox.map((packet): KvStep => ({ tag: 'process', packet, observed: null })),
  ...s.moves.map((_, move): KvStep => ({ tag: 'delegate', move, timeMs: 0 })),
];

const statesIn = ({ hosts: states }: KvState): readonly HostState[] => [...states.values()];

const isMoving = (state: KvState): boolean => statesIn(state).some(({ moves }) => moves.length > 0);

const isBack = (state: KvState): boolean =>
  !isMoving(state) && statesIn(state).every(({ map, shards }) => shards.has(administrator) && ownerOf(map, 'a') === 0);

/** The history of a cluster to which all this was sent before it began. */
export const historyOf = (sends: readonly Packet<KvMessage>[]): KvHistory => {
  const history = emptyHistory();
  remember(history, { host: undefined, before: undefined, after: undefined, consumed: undefined, sends }, modelCluster);
  return history;
};

/** A session of `count` writes; and the first so many of the orders that are to be refused. */
export const ironkvExploration = (count: number, refused = 0): ActionModel<KvState, HostStep<KvStep>> => {
  const clientPackets = [
    moveAll(1, modelHosts[0], modelHosts[1]),
    moveAll(2, modelHosts[1], modelHosts[0]),
    forged,
    ...refusable.slice(0, refused),
    ...Array.from({ length: count }, (_, seqno) => writes(seqno)).flat(),
  ];
  return protocolModel({
    name: `ironkv with two hosts, a move each way, ${count} writes and ${refused} orders to refuse`,
    protocol: ironkvProtocol,
    constants: modelCluster,
    hosts: modelHosts,
    enabledSteps,
    encode: kvCodec.encode,
    clientPackets,
    cluster: { ...ironkvCluster(modelCluster), history: () => historyOf(clientPackets) },
    copyHistory: (history) => ({ ...history }),
    showHost: ({ map, table, moves, sessions }) => ({ map, table, moves, sessions }),
    properties: [
      sometimes('everything moved there and back', isBack),
      sometimes('a host knows of a write that the other one executed', ({ hosts: states, history }) => {
        const [one, two] = [...states.values()];
        return history.executions.size > 0 && one?.sessions.size === 1 && two?.sessions.size === 1;
      }),
      leadsTo('a move under way leads to none', isMoving, (state) => !isMoving(state)),
    ],
  });
};
