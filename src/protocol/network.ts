/**
 * What a network may do to packets, as named values after Verdi (Wilcox et al., PLDI 2015, section 4): a system says
 * under which of them it claims to be safe, and under which to be live. In each, the packets ever sent are a set that
 * grows; these say which of them may still be delivered.
 */
import type { Packet } from '../spec/packet.js';

/** The names of the networks, the kindest first. */
export const networkNames = ['ordered', 'async', 'flaky', 'busy', 'partition', 'crash'] as const;

/** One of `networkNames`. */
export type NetworkName = (typeof networkNames)[number];

/**
 * One network. Corruption and forged sources are in none of them: what fails a datagram's checks counts as lost. How fast hosts
 * and their clocks run is free in all of them.
 */
export interface NetworkSemantics {
  readonly name: NetworkName;
  /** Packets of one source to one target may overtake each other. */
  readonly reorders: boolean;
  /** A packet may never arrive. */
  readonly drops: boolean;
  /** A packet may arrive again, at any later time. */
  readonly duplicates: boolean;
  /** Hosts may not hear each other for a while, in one direction or both. To a protocol that is the same as drops. */
  readonly partitions: boolean;
  /** A minority of the hosts may stop for good. */
  readonly crashes: boolean;
}

const kindest = { reorders: false, drops: false, duplicates: false, partitions: false, crashes: false } as const;

/** Every packet arrives once, in the order of sending between any two hosts. */
export const ordered: NetworkSemantics = { ...kindest, name: 'ordered' };

/** Every packet arrives once, in any order. */
export const async: NetworkSemantics = { ...ordered, name: 'async', reorders: true };

/** Every packet arrives once or never, in any order. */
export const flaky: NetworkSemantics = { ...async, name: 'flaky', drops: true };

/** What UDP may do: every packet arrives never, once or often, in any order. */
export const busy: NetworkSemantics = { ...flaky, name: 'busy', duplicates: true };

/** As busy; and links between hosts go dead for a while. */
export const partition: NetworkSemantics = { ...busy, name: 'partition', partitions: true };

/** As busy; and a minority of the hosts crashes for good. */
export const crash: NetworkSemantics = { ...busy, name: 'crash', crashes: true };

/** All of them, the kindest first. */
export const networks: readonly NetworkSemantics[] = [ordered, async, flaky, busy, partition, crash];

/** Of the packets in flight, oldest first, the indices of those that may be delivered next. */
export const deliverable = <M>(network: NetworkSemantics, inFlight: readonly Packet<M>[]): readonly number[] => {
  if (network.reorders) return [...inFlight.keys()];
  const seen = new Set<string>();
  const indices: number[] = [];
  for (const [i, { source, target }] of inFlight.entries()) {
    const pair = `${source} ${target}`;
    if (!seen.has(pair)) indices.push(i);
    seen.add(pair);
  }
  return indices;
};
