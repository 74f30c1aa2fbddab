/**
 * What a network may do to packets, as named values after Verdi (Wilcox et al., PLDI 2015, section 4): a system says
 * under which of them it claims to be safe, and under which to be live. In each, the packets ever sent are a set that
 * grows; these say which of them may still be delivered.
 */
import type { Packet } from '../spec/packet.js';

/** One network. Corruption and forged sources are in none of them: what fails a datagram's checks counts as lost. */
export interface NetworkSemantics {
  readonly name: 'ordered' | 'async' | 'flaky' | 'busy';
  /** Packets of one source to one target may overtake each other. */
  readonly reorders: boolean;
  /** A packet may never arrive. */
  readonly drops: boolean;
  /** A packet may arrive again, at any later time. */
  readonly duplicates: boolean;
}

/** Every packet arrives once, in the order of sending between any two hosts. */
export const ordered: NetworkSemantics = { name: 'ordered', reorders: false, drops: false, duplicates: false };

/** Every packet arrives once, in any order. */
export const async: NetworkSemantics = { name: 'async', reorders: true, drops: false, duplicates: false };

/** Every packet arrives once or never, in any order. */
export const flaky: NetworkSemantics = { name: 'flaky', reorders: true, drops: true, duplicates: false };

/** What UDP may do: every packet arrives never, once or often, in any order. */
export const busy: NetworkSemantics = { name: 'busy', reorders: true, drops: true, duplicates: true };

/** All of them, the kindest first. */
export const networks: readonly NetworkSemantics[] = [ordered, async, flaky, busy];

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
