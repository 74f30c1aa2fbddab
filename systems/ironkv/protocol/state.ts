/** The state of an IronKV host in the protocol (README.md, "A host's state"; IronFleet, SOSP 2015, section 5.2.2). */
import { OrderedMap } from '../../../src/protocol/ordered-map.js';
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Configuration } from '../configuration.js';
import type { Body, KvMessage, Session, ShardRefusal, WriteRecord } from '../messages.js';
import { type DelegationMap, initialMap } from './delegation-map.js';

/** What never changes: the cluster, and which host this is. */
export interface Constants {
  readonly configuration: Configuration;
  readonly me: EndPoint;
  readonly index: number;
}

/** What a host knows of a session. `records` ascend by seqno. */
export interface SessionEntry {
  readonly session: Session;
  readonly floor: number;
  readonly next: number;
  readonly records: readonly WriteRecord[];
  readonly stamp: number;
}

/** A pair of streams, to and from another host; the unacked bodies stand in `HostState.unacked`. */
export interface Peer {
  readonly received: number;
  readonly sent: number;
  readonly acked: number;
  /** The sum of the sizes of the unacked bodies: kept, so that no step looks at all of them. */
  readonly unackedBytes: number;
  readonly told: number;
  readonly announced: number;
  readonly warned: number;
  readonly resendAtMs: number;
  readonly waitMs: number;
  readonly ackedAtCheck: number;
}

/** A range on its way out. Bounds are key texts; `next` null only with `last` not null. */
export interface Move {
  readonly administrator: EndPoint;
  readonly seqno: number;
  readonly next: string | null;
  readonly hi: string | null;
  readonly recipient: number;
  readonly last: number | null;
}

/** An administrator's highest shard. */
export interface ShardEntry {
  readonly seqno: number;
  readonly verdict: 'accepted' | ShardRefusal;
}

/** `stamp` and `opened`. */
export interface Counts {
  readonly stamp: number;
  readonly opened: number;
}

export interface HostState {
  readonly constants: Constants;
  /** By key text. */
  readonly table: OrderedMap<Uint8Array>;
  readonly map: DelegationMap;
  /** By `textOfSession`. */
  readonly sessions: PersistentMap<string, SessionEntry>;
  /** By opener's index. */
  readonly horizons: readonly number[];
  /** By opener's index: counts, not numbers. */
  readonly bounds: readonly number[];
  readonly counts: Counts;
  /** By index; every host but oneself. */
  readonly peers: PersistentMap<number, Peer>;
  /** By `unackedKey`. */
  readonly unacked: PersistentMap<string, Body>;
  readonly moves: readonly Move[];
  readonly shards: PersistentMap<EndPoint, ShardEntry>;
}

/** The place of body `seqno` of the stream to a peer. */
export const unackedKey = (peer: number, seqno: number): string => `${peer}/${seqno}`;

/** The inverse of `unackedKey`. */
export const placeOf = (key: string): { readonly peer: number; readonly seqno: number } => {
  const slash = key.indexOf('/');
  return { peer: Number(key.slice(0, slash)), seqno: Number(key.slice(slash + 1)) };
};

const firstPeer = ({ resendMs, sessionsAnnounced }: Configuration['parameters']): Peer => ({
  received: 0,
  sent: 0,
  acked: 0,
  unackedBytes: 0,
  told: 0,
  announced: sessionsAnnounced,
  warned: 0,
  resendAtMs: 0,
  waitMs: resendMs,
  ackedAtCheck: 0,
});

/** A host before its first step. Throws if `me` is no host of the configuration. */
export const initHost = (configuration: Configuration, me: EndPoint): HostState => {
  const index = configuration.hosts.indexOf(me);
  if (index < 0) throw new Error(`${me} is no host of this configuration`);
  const others = configuration.hosts.map((_, i) => i).filter((i) => i !== index);
  const peer = firstPeer(configuration.parameters);
  return {
    constants: { configuration, me, index },
    table: OrderedMap.empty(),
    map: initialMap,
    sessions: PersistentMap.empty(),
    horizons: configuration.hosts.map(() => 0),
    bounds: configuration.hosts.map(() => configuration.parameters.sessionsAnnounced),
    counts: { stamp: 0, opened: 0 },
    peers: PersistentMap.of(others.map((i): [number, Peer] => [i, peer])),
    unacked: PersistentMap.empty(),
    moves: [],
    shards: PersistentMap.empty(),
  };
};

/** One packet from this host. */
export const packetTo = (s: HostState, target: EndPoint, message: KvMessage): Packet<KvMessage> => ({
  source: s.constants.me,
  target,
  message,
});
