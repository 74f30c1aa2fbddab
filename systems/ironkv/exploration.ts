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

const hosts = [1, 2].map((i) => endPoint(`10.0.0.${i}:7000`)) as [EndPoint, EndPoint];
const administrator = endPoint('10.0.1.1:9000');
const client = endPoint('10.0.2.1:9000');

const constants: Configuration = {
  hosts,
  administrators: [administrator],
  parameters: {
    ...defaultParameters,
    sessionWindowMax: 2,
    delegateKeysMax: 1,
    deliveriesMax: 1,
    resendMs: 0,
    resendMsMax: 0,
    receiveMax: 1,
  },
};

const shard = (seqno: number, from: EndPoint, recipient: EndPoint): Packet<KvMessage> => ({
  source: administrator,
  target: from,
  message: { tag: 'shard', seqno, lo: bytesOfKey(''), hi: null, recipient },
});

/** The write with this seqno; each asks that the one before the last is settled. Increments, so that one executed twice shows. */
const writes = (seqno: number): readonly Packet<KvMessage>[] => {
  const command: Command = { tag: 'increment', key: bytesOfKey(seqno % 2 === 0 ? 'a' : 'b'), by: 1 };
  const floor = Math.max(0, seqno - 1);
  const message = { tag: 'request', session: { number: 0, nonce: 0 }, seqno, floor, ordered: false, command } as const;
  return hosts.map((target) => ({ source: client, target, message }));
};

/** What a host may do. */
const enabledSteps = (s: HostState, { inbox }: { readonly inbox: readonly Packet<KvMessage>[] }): readonly KvStep[] => [
  ...inbox.map((packet): KvStep => ({ tag: 'process', packet, observed: null })),
  ...s.moves.map((_, move): KvStep => ({ tag: 'delegate', move, timeMs: 0 })),
];

const statesIn = ({ hosts: states }: KvState): readonly HostState[] => [...states.values()];

const isMoving = (state: KvState): boolean => statesIn(state).some(({ moves }) => moves.length > 0);

const isBack = (state: KvState): boolean =>
  !isMoving(state) && statesIn(state).every(({ map, shards }) => shards.size === 1 && ownerOf(map, 'a') === 0);

/** The history of a cluster to which all this was sent before it began. */
const historyOf = (sends: readonly Packet<KvMessage>[]): KvHistory => {
  const history = emptyHistory();
  remember(history, { host: undefined, before: undefined, after: undefined, consumed: undefined, sends }, constants);
  return history;
};

/** A session of `count` writes. */
export const ironkvExploration = (count: number): ActionModel<KvState, HostStep<KvStep>> => {
  const clientPackets = [
    shard(1, hosts[0], hosts[1]),
    shard(2, hosts[1], hosts[0]),
    ...Array.from({ length: count }, (_, seqno) => writes(seqno)).flat(),
  ];
  return protocolModel({
    name: `ironkv with two hosts, a move each way and ${count} writes`,
    protocol: ironkvProtocol,
    constants,
    hosts,
    enabledSteps,
    encode: kvCodec.encode,
    clientPackets,
    cluster: { ...ironkvCluster(constants), history: () => historyOf(clientPackets) },
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
