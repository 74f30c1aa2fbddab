/** How IronKV's invariants are stated, and what several of them look at. Shares no code with the protocol. */

import type { ClusterInvariant, Evidence } from '../../../src/refinement/cluster.js';
import type { Check } from '../../../src/spec/check.js';
import { holds, violated } from '../../../src/spec/check.js';
import type { Packet } from '../../../src/spec/packet.js';
import { textOfKey } from '../commands.js';
import type { Configuration } from '../configuration.js';
import { bodyKey, type KvChange, type KvCluster, type KvHistory } from '../history.js';
import { type Body, hostsMax, type Knowledge, type KvMessage } from '../messages.js';
import type { HostState } from '../protocol.js';

/** An invariant of an IronKV cluster. */
export type Invariant = ClusterInvariant<HostState, KvMessage, KvHistory>;

/** A host's step. */
export interface HostChange extends KvChange {
  readonly before: HostState;
  readonly after: HostState;
}

/** The first evidence. */
export const firstOf = (evidence: Iterable<Evidence>): Evidence => {
  for (const e of evidence) if (e !== undefined) return e;
  return undefined;
};

/** An invariant whose form by change looks at steps of hosts only. */
export const invariant = (
  name: string,
  source: string,
  everywhere: (cluster: KvCluster) => Iterable<Evidence>,
  changed: (cluster: KvCluster, change: HostChange) => Iterable<Evidence>,
): Invariant => {
  const verdict = (evidence: Evidence): Check =>
    evidence === undefined ? holds : violated('INVARIANT', name, evidence);
  return {
    name,
    source,
    check: (cluster) => verdict(firstOf(everywhere(cluster))),
    checkChange: (cluster, { before, after, ...rest }) =>
      before === undefined || after === undefined
        ? holds
        : verdict(firstOf(changed(cluster, { before, after, ...rest }))),
  };
};

/** The cluster's constants, which every host knows. */
export const configurationOf = (cluster: KvCluster): Configuration => {
  for (const state of cluster.hosts.values()) return state.constants.configuration;
  throw new Error('a cluster has hosts');
};

/** The hosts' states by index. */
export const statesOf = (cluster: KvCluster): readonly HostState[] =>
  configurationOf(cluster).hosts.map((host) => cluster.hosts.get(host) as HostState);

/** The index of the host that sends a packet, `undefined` for strangers, about whom nothing is claimed. */
export const senderOf = (packet: Packet<unknown>, cluster: KvCluster): number | undefined => {
  const index = configurationOf(cluster).hosts.indexOf(packet.source);
  return index < 0 ? undefined : index;
};

/** A body in a stream that its recipient has not accepted. */
export interface InFlight {
  readonly from: number;
  readonly to: number;
  readonly seqno: number;
  readonly body: Body;
}

/** The bodies of a stream with seqnos above `above` up to `upTo`, as they were sent. */
export function* bodiesBetween(
  cluster: KvCluster,
  from: number,
  to: number,
  above: number,
  upTo: number,
): IterableIterator<InFlight> {
  for (let seqno = above + 1; seqno <= upTo; seqno++) {
    const body = cluster.history.bodies.get(bodyKey(from, to, seqno));
    if (body !== undefined) yield { from, to, seqno, body };
  }
}

/** The bodies in flight from one host to another. */
export function* inFlightBetween(
  cluster: KvCluster,
  sender: HostState,
  recipient: HostState,
): IterableIterator<InFlight> {
  const [from, to] = [sender.constants.index, recipient.constants.index];
  const received = recipient.peers.get(from)?.received ?? 0;
  yield* bodiesBetween(cluster, from, to, received, sender.peers.get(to)?.sent ?? 0);
}

/** All bodies in flight. */
export function* inFlight(cluster: KvCluster): IterableIterator<InFlight> {
  const states = statesOf(cluster);
  for (const sender of states)
    for (const recipient of states) if (sender !== recipient) yield* inFlightBetween(cluster, sender, recipient);
}

/** The bodies that a step sends for the first time. */
export function* newlySent(cluster: KvCluster, { before, after }: HostChange): IterableIterator<InFlight> {
  if (before.peers === after.peers) return;
  for (const [to, peer] of after.peers) {
    yield* bodiesBetween(cluster, after.constants.index, to, before.peers.get(to)?.sent ?? 0, peer.sent);
  }
}

/** The bodies that a step accepts. */
export function* newlyAccepted(cluster: KvCluster, { before, after }: HostChange): IterableIterator<InFlight> {
  if (before.peers === after.peers) return;
  for (const [from, peer] of after.peers) {
    yield* bodiesBetween(cluster, from, after.constants.index, before.peers.get(from)?.received ?? 0, peer.received);
  }
}

/** What a body tells of sessions. */
export const toldIn = (body: Body): readonly Knowledge[] => (body.tag === 'announce' ? [] : body.sessions);

/** Whether a session with this number is expired by these horizons. */
export const expiredBy = (horizons: readonly number[], number: number): boolean => {
  const opener = number % hostsMax;
  return opener >= horizons.length || number < (horizons[opener] as number);
};

/** A range of keys as texts; a `hi` of null is beyond every key. */
export interface Range {
  readonly lo: string;
  readonly hi: string | null;
}

/** The range that a delegate gives away; none for other bodies. */
export const rangeOf = (body: Body): Range | undefined =>
  body.tag === 'delegate' ? { lo: textOfKey(body.lo), hi: body.hi === null ? null : textOfKey(body.hi) } : undefined;

/** Whether `key` lies in the range. */
export const inRange = (key: string, { lo, hi }: Range): boolean => key >= lo && (hi === null || key < hi);

/** The ranges that a host's own map gives to it. */
export const ownRanges = ({ map, constants }: HostState): readonly Range[] => {
  const ranges: Range[] = [];
  for (const [i, { lo, host }] of map.entries())
    if (host === constants.index) ranges.push({ lo, hi: map[i + 1]?.lo ?? null });
  return ranges;
};

/** Whether a host's own map gives the key to it; by the last entry at or below, whatever else is wrong with the map. */
export const owns = ({ map, constants }: HostState, key: string): boolean => {
  let owner: number | undefined;
  for (const { lo, host } of map) if (lo <= key) owner = host;
  return owner === constants.index;
};

/** Ranges in ascending order; those that touch are put together. `undefined` where two have a key in common. */
export const united = (ranges: readonly Range[]): readonly Range[] | undefined => {
  const sorted = [...ranges].sort((a, b) => (a.lo < b.lo ? -1 : a.lo > b.lo ? 1 : 0));
  const result: Range[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last === undefined) {
      result.push(range);
      continue;
    }
    if (last.hi === null || range.lo < last.hi) return undefined;
    if (range.lo === last.hi) result[result.length - 1] = { lo: last.lo, hi: range.hi };
    else result.push(range);
  }
  return result;
};

/** The parts of `ranges` that lie in none of `others`. */
export const without = (ranges: readonly Range[], others: readonly Range[]): readonly Range[] => {
  let left = ranges;
  for (const { lo, hi } of others) {
    left = left.flatMap((range): readonly Range[] => {
      const meet = (hi === null || range.lo < hi) && (range.hi === null || lo < range.hi);
      if (!meet) return [range];
      const below = range.lo < lo ? [{ lo: range.lo, hi: lo }] : [];
      const above = hi !== null && (range.hi === null || hi < range.hi) ? [{ lo: hi, hi: range.hi }] : [];
      return [...below, ...above];
    });
  }
  return left;
};
