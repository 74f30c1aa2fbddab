/** Protocol hosts: pure state machines that step on packets (IronFleet, SOSP 2015, section 3.2). */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import type { O } from '../spec/prelude.js';

/** Where a step leads: the next state, and the packets that it sends. */
export interface Successor<S, M> {
  readonly state: S;
  readonly sends: readonly Packet<M>[];
}

/**
 * The protocol of one host. `C` are the constants of the cluster, `S` the state, `M` the messages, `Step` a tagged
 * union of every way to act, in which every existential of the relation is a witness, so that no check needs a search.
 * States are immutable: plain readonly objects, and `PersistentMap` or `OrderedMap` for whatever can grow.
 */
export interface ProtocolHost<C, S, M, Step> {
  readonly name: string;
  readonly init: (constants: C, me: EndPoint) => S;
  /** Where `step` leads from `state`; `none` where it is not enabled. */
  readonly step: (state: S, step: Step) => O.Option<Successor<S, M>>;
  /** The packet that the step consumes, if it consumes one. */
  readonly consumes: (step: Step) => Packet<M> | undefined;
  /** The clock reading in milliseconds on which the step depends, if it does. */
  readonly reads: (step: Step) => number | undefined;
}
