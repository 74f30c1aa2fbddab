/**
 * IronKV's sessions as a model for the explorer: two hosts that remember one session each, two sessions of the first host, of which the second is
 * to be announced, an ordered session whose requests arrive at either host in any order, any number of times, and keys that move between
 * them. As in `exploration.ts` the clock always reads 0, and `resend` is left out.
 *
 * Each time that an ordered read is executed again its session gets another stamp: stamps are bounded, and what lies beyond is cut.
 */
import { type ExploredCluster, type HostStep, protocolModel } from '../../src/refinement/explorer/protocol-model.js';
import { type ActionModel, leadsTo, sometimes } from '../../src/refinement/explorer.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { bytesOfKey, type Command } from './commands.js';
import type { Configuration } from './configuration.js';
import { historyOf, modelCluster, modelHosts } from './exploration.js';
import type { KvHistory } from './history.js';
import { type KvMessage, kvCodec, type Message, type Session, textOfSession } from './messages.js';
import { type HostState, ironkvProtocol, type KvStep } from './protocol.js';
import { ironkvCluster } from './refinement.js';

type SessionsState = ExploredCluster<HostState, KvMessage, KvHistory>;

const [first, second] = modelHosts;
const client = endPoint('10.0.2.1:9000');

/** The two numbers that are opened: the first is announced by the configuration, the second by a message. */
const [older, younger]: readonly [Session, Session] = [
  { number: 0, nonce: 0 },
  { number: 256, nonce: 0 },
];

const cluster: Configuration = {
  ...modelCluster,
  parameters: { ...modelCluster.parameters, sessionWindowMax: 4, sessionsMax: 1, sessionsAnnounced: 1 },
};

/**
 * The requests of the older session, in order: on a key that stays, and on keys that move. Nobody writes what is read: to a read that had
 * two answers the service has both in the order in which they were first sent, which a set of packets does not tell.
 */
const commands: readonly Command[] = [
  { tag: 'increment', key: bytesOfKey('a'), by: 1 },
  { tag: 'get', key: bytesOfKey('c') },
  { tag: 'increment', key: bytesOfKey('b'), by: 1 },
];

const toBoth = (message: KvMessage): readonly Packet<KvMessage>[] =>
  modelHosts.map((target) => ({ source: client, target, message }));

const moveOf = (seqno: number, from: number): Packet<KvMessage> => ({
  source: cluster.administrators[0] as (typeof modelHosts)[0],
  target: modelHosts[from] as (typeof modelHosts)[0],
  message: { tag: 'shard', seqno, lo: bytesOfKey('b'), hi: null, recipient: from === 0 ? second : first },
});

/** What the younger session asks, once it is opened. */
const ofTheYounger: readonly Packet<KvMessage>[] = [
  { source: client, target: first, message: { tag: 'open', nonce: 0 } },
  ...toBoth({
    tag: 'request',
    session: younger,
    seqno: 0,
    floor: 0,
    ordered: false,
    command: { tag: 'increment', key: bytesOfKey('b'), by: 10 },
  }),
];

const packetsOf = (requests: number, moves: number, sessions: number): readonly Packet<KvMessage>[] => [
  ...[moveOf(1, 0), moveOf(2, 1)].slice(0, moves),
  ...commands
    .slice(0, requests)
    .flatMap((command, seqno) =>
      toBoth({ tag: 'request', session: older, seqno, floor: 0, ordered: true, command }).slice(0, seqno === 0 ? 1 : 2),
    ),
  ...(sessions > 1 ? ofTheYounger : []),
];

const enabledSteps = (s: HostState, { inbox }: { readonly inbox: readonly Packet<KvMessage>[] }): readonly KvStep[] => [
  ...inbox
    // For the sessions behind these two nobody asks anything.
    .filter(({ message }) => message.tag !== 'open' || s.counts.opened < 2)
    .map((packet): KvStep => ({ tag: 'process', packet, observed: null })),
  ...s.moves.map((_, move): KvStep => ({ tag: 'delegate', move, timeMs: 0 })),
  ...[...s.peers.keys()].map((peer): KvStep => ({ tag: 'announce', peer, timeMs: 0 })),
  { tag: 'expire' },
];

const statesIn = ({ hosts }: SessionsState): readonly HostState[] => [...hosts.values()];

const sentSome = ({ sent }: SessionsState, is: (message: KvMessage) => boolean): boolean =>
  [...sent.values()].some(({ message }) => is(message));

const refusedAs =
  (reason: Message<'refused'>['reason']) =>
  (state: SessionsState): boolean =>
    sentSome(state, (m) => m.tag === 'refused' && m.reason === reason);

/** Whether the first host's bound is known to the second. */
const isHeard = (state: SessionsState): boolean => {
  const [one, two] = statesIn(state);
  return one?.bounds[0] === two?.bounds[0];
};

const executedAt = ({ history }: SessionsState, host: number): boolean =>
  history.orders.get(textOfSession(older))?.places.has(`host ${host}`) === true;

/** Of the younger session, before which the older one expires. */
const ofSessions = [
  sometimes<SessionsState>('a session expired', (state) =>
    statesIn(state).some(({ horizons }) => horizons.some((h) => h > 0)),
  ),
  sometimes('a request of a session that expired is refused', refusedAs('SESSION_EXPIRED')),
  leadsTo<SessionsState>('a bound that grew is heard', (state) => !isHeard(state), isHeard),
];

const atBoth = sometimes<SessionsState>(
  'one ordered session is executed at both hosts',
  (state) => executedAt(state, 0) && executedAt(state, 1),
);

/** So many ordered requests of one session, so many moves of a range, and one session or two, of which the second writes once. */
export const ironkvSessions = (
  requests: number,
  moves: number,
  sessions: number,
): ActionModel<SessionsState, HostStep<KvStep>> => {
  const clientPackets = packetsOf(requests, moves, sessions);
  return protocolModel({
    name: `sessions of ironkv with two hosts, ${requests} ordered requests, ${moves} moves and ${sessions} sessions`,
    protocol: ironkvProtocol,
    constants: cluster,
    hosts: modelHosts,
    enabledSteps,
    encode: kvCodec.encode,
    clientPackets,
    cluster: { ...ironkvCluster(cluster), history: () => historyOf(clientPackets) },
    copyHistory: (history) => ({ ...history }),
    showHost: ({ map, table, moves: under, sessions, horizons, bounds }) => ({
      map,
      table,
      moves: under,
      sessions,
      horizons,
      bounds,
    }),
    within: (state) => statesIn(state).every(({ counts }) => counts.stamp <= requests + sessions),
    properties: [
      ...(sessions > 1 ? ofSessions : []),
      ...(requests > 1 ? [sometimes('a request out of order is refused', refusedAs('OUT_OF_ORDER'))] : []),
      ...(requests > 1 && moves > 0 ? [atBoth] : []),
    ],
  });
};
