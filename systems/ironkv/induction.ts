/**
 * IronKV's invariants on who holds which keys and on single delivery, as an inductive whole: one step of the protocol from every state
 * of a small domain that satisfies them, reachable or not. Two hosts, two keys (or none), three ranges; every pair of maps, every pair
 * of streams up to a bound, and every list of moves up to another. Acks are in the network for all that was received; requests are left
 * out, since only what moves keys is stated here.
 */
import { OrderedMap } from '../../src/protocol/ordered-map.js';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { packetKeyBy } from '../../src/protocol/system.js';
import { protocolModel } from '../../src/refinement/explorer/protocol-model.js';
import { type InductionResult, judgeInduction, type StateProperty } from '../../src/refinement/explorer.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { bytesOfKey } from './commands.js';
import type { Configuration } from './configuration.js';
import { enabledSteps, historyOf, type KvState, modelCluster, modelHosts } from './exploration.js';
import { bodyKey } from './history.js';
import { type Body, type KvMessage, kvCodec } from './messages.js';
import { type HostState, initHost, ironkvProtocol, type MapEntry, type Move, unackedKey } from './protocol.js';
import { ironkvCluster } from './refinement.js';

type Always = Extract<StateProperty<KvState>, { kind: 'always' }>;

interface Range {
  readonly lo: string;
  readonly hi: string | null;
}

/** Keys below b, from b on, and all. */
const ranges: readonly Range[] = [
  { lo: '', hi: 'b' },
  { lo: 'b', hi: null },
  { lo: '', hi: null },
];

const bytesOf = ({ lo, hi }: Range) => ({ lo: bytesOfKey(lo), hi: hi === null ? null : bytesOfKey(hi) });

/** Who gave the orders of the moves that are under way. */
const earlier = endPoint('10.0.1.1:9000');

const orderOf = (source: EndPoint, from: number, seqno: number, range: Range): Packet<KvMessage> => {
  const recipient = modelHosts[1 - from] as EndPoint;
  return {
    source,
    target: modelHosts[from] as EndPoint,
    message: { tag: 'shard', seqno, ...bytesOf(range), recipient },
  };
};

/** An order for each range of each host, each of somebody else, so that none overtakes another. */
const orders = [0, 1].flatMap((from) =>
  ranges.map((range, i) => orderOf(endPoint(`10.0.1.${2 + 3 * from + i}:9000`), from, 1, range)),
);

const constants: Configuration = {
  ...modelCluster,
  administrators: [earlier, ...orders.map(({ source }) => source)],
  parameters: { ...modelCluster.parameters, deliveriesMax: 4 },
};

/** A stream from one host to the other: the ranges of its bodies, and how far it was accepted and acked. */
interface Stream {
  readonly bodies: readonly Range[];
  readonly received: number;
  readonly acked: number;
}

/** All lists of at most `max` items. */
const listsOf = <T>(items: readonly T[], max: number): readonly (readonly T[])[] => {
  const lists: (readonly T[])[] = [[]];
  for (let from = 0; from < lists.length; from++) {
    const list = lists[from] as readonly T[];
    if (list.length < max) for (const item of items) lists.push([...list, item]);
  }
  return lists;
};

const upTo = (last: number): readonly number[] => Array.from({ length: last + 1 }, (_, i) => i);

const streamsOf = (max: number): readonly Stream[] =>
  listsOf(ranges, max).flatMap((bodies) =>
    upTo(bodies.length).flatMap((received) => upTo(received).map((acked) => ({ bodies, received, acked }))),
  );

/** Who owns the keys below b, and from there on. */
const mapsOf: readonly (readonly MapEntry[])[] = [
  [{ lo: '', host: 0 }],
  [{ lo: '', host: 1 }],
  [
    { lo: '', host: 0 },
    { lo: 'b', host: 1 },
  ],
  [
    { lo: '', host: 1 },
    { lo: 'b', host: 0 },
  ],
];

const movesOf = (from: number, { bodies }: Stream, max: number): readonly (readonly Move[])[] => {
  const move = ({ lo, hi }: Range, seqno: number, last: number | null): Move => ({
    ...{ administrator: earlier, seqno, next: last === null ? lo : hi, hi, recipient: 1 - from, last },
  });
  const single = ranges.flatMap((range, i) =>
    [null, ...upTo(bodies.length).slice(1)].map((last) => move(range, i + 1, last)),
  );
  return listsOf(single, max);
};

const delegateOf = (range: Range): Body => ({
  ...{ tag: 'delegate', ...bytesOf(range), pairs: [], horizons: [0, 0], sessions: [] },
});

const hostOf = (
  index: number,
  parts: { map: readonly MapEntry[]; out: Stream; into: Stream; moves: readonly Move[]; keys: readonly string[] },
): HostState => {
  const { map, out, into, moves, keys } = parts;
  const state = initHost(constants, modelHosts[index] as EndPoint);
  const owner = (key: string): number | undefined => map.findLast(({ lo }) => lo <= key)?.host;
  const mine = keys.filter((key) => owner(key) === index);
  const unacked = out.bodies.map((range, i): [string, Body] => [unackedKey(1 - index, i + 1), delegateOf(range)]);
  const peer = state.peers.get(1 - index);
  if (peer === undefined) throw new Error('both hosts are peers');
  const streams = { ...peer, received: into.received, sent: out.bodies.length, acked: out.acked };
  return {
    ...state,
    ...{ map, moves },
    table: OrderedMap.of(mine.map((key): [string, Uint8Array] => [key, bytesOfKey('1')])),
    peers: state.peers.set(1 - index, streams),
    unacked: PersistentMap.of(unacked.slice(out.acked)),
  };
};

const keyOf = packetKeyBy<KvMessage>(kvCodec.encode);

const packetsOf = (from: number, { bodies, received }: Stream): readonly Packet<KvMessage>[] => {
  const [source, target] = [modelHosts[from], modelHosts[1 - from]] as [EndPoint, EndPoint];
  return [
    ...bodies.map((range, i) => ({
      ...{ source, target, message: { tag: 'deliver', seqno: i + 1, body: delegateOf(range) } as const },
    })),
    ...upTo(received)
      .slice(1)
      .map((seqno) => ({ source: target, target: source, message: { tag: 'ack', seqno } as const })),
  ];
};

/** Whether each key is claimed once: what most of the domain breaks. */
const claimedOnce = (maps: readonly (readonly MapEntry[])[], streams: readonly Stream[]): boolean =>
  ['a', 'b'].every((key) => {
    const owned = maps.filter((map, i) => map.findLast(({ lo }) => lo <= key)?.host === i).length;
    const flying = streams.flatMap(({ bodies, received }) => bodies.slice(received));
    return owned + flying.filter(({ lo, hi }) => key >= lo && (hi === null || key < hi)).length === 1;
  });

function* domain(streamMax: number, movesMax: number): Iterable<KvState> {
  const given = [
    ...orders,
    ...[0, 1].flatMap((from) => ranges.map((range, i) => orderOf(earlier, from, i + 1, range))),
  ];
  const history = historyOf(given);
  const streams = streamsOf(streamMax);
  for (const a of mapsOf)
    for (const b of mapsOf)
      for (const out of streams)
        for (const back of streams) {
          if (!claimedOnce([a, b], [out, back])) continue;
          const packets = [...orders, ...packetsOf(0, out), ...packetsOf(1, back)];
          const sent = PersistentMap.of(packets.map((p): [string, Packet<KvMessage>] => [keyOf(p), p]));
          const bodies = [out, back].flatMap((stream, from) =>
            stream.bodies.map((range, i): [string, Body] => [bodyKey(from, 1 - from, i + 1), delegateOf(range)]),
          );
          for (const mine of movesOf(0, out, movesMax))
            for (const theirs of movesOf(1, back, movesMax))
              for (const keys of [[], ['a', 'b']]) {
                const one = hostOf(0, { map: a, out, into: back, moves: mine, keys });
                const two = hostOf(1, { map: b, out: back, into: out, moves: theirs, keys });
                const hosts = PersistentMap.of([one, two].map((s): [EndPoint, HostState] => [s.constants.me, s]));
                yield { hosts, sent, history: { ...history, bodies: PersistentMap.of(bodies) } };
              }
        }
}

/** Judges all invariants, or all but one, over streams of at most `streamMax` bodies and at most `movesMax` moves of a host. */
export const ironkvInduction = (movesMax: number, streamMax: number, without?: string): InductionResult => {
  const model = protocolModel({
    name: `who holds which keys in ironkv (${movesMax} moves, ${streamMax} bodies of a stream)`,
    protocol: ironkvProtocol,
    constants,
    hosts: modelHosts,
    enabledSteps,
    encode: kvCodec.encode,
    clientPackets: orders,
    cluster: { ...ironkvCluster(constants), history: () => historyOf(orders) },
    copyHistory: (history) => ({ ...history }),
    showHost: ({ map, table, moves, peers }) => ({ map, table, moves, peers }),
  });
  const stated = model.properties.filter((p): p is Always => p.kind === 'always');
  const invariants = stated.filter(({ name }) => name !== without);
  return judgeInduction({ model, invariants, states: domain(streamMax, movesMax) });
};
