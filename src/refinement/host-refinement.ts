/**
 * How a system ties its host code to its protocol: the witnesses that turn what the host recorded into protocol steps,
 * and the abstraction function, component by component, so that its cost follows the change (IronFleet, SOSP 2015,
 * section 3.5; the exact meaning is in docs/reduction.md).
 */
import type { Codec } from '../network/codec.js';
import type { MapValue } from '../protocol/map-value.js';
import type { ProtocolHost } from '../protocol/protocol.js';
import type { Check } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';

/** What a witness may refer to: the packets of the step, decoded again by the judge, and the one clock reading. */
export interface StepContext<M> {
  readonly me: EndPoint;
  readonly received: readonly Packet<M>[];
  readonly toSelf: readonly Packet<M>[];
  readonly timeMs: number | undefined;
}

/** A component that is small: both sides are computed in full and compared by value. */
export interface WholeComponent<H, S> {
  readonly kind: 'whole';
  readonly name: string;
  readonly host: (host: H) => unknown;
  readonly protocol: (state: S) => unknown;
}

/** A component that can grow: compared at the keys that changed, and in rolling slices. */
export interface TableComponent<H, S> {
  readonly kind: 'table';
  readonly name: string;
  /** The host's abstract value at `key`, `undefined` where it has none. */
  readonly hostAt: (host: H, key: string | number) => unknown;
  readonly hostKeys: (host: H) => Iterable<string | number>;
  readonly hostSize: (host: H) => number;
  readonly protocol: (state: S) => MapValue<string | number, unknown>;
}

/**
 * A component that both sides hold as persistent values (an application's state): compared wherever either side's new
 * value differs from its old one, without sharing memory between the sides.
 */
export interface PersistentComponent<H, S> {
  readonly kind: 'persistent';
  readonly name: string;
  readonly host: (host: H) => unknown;
  readonly protocol: (state: S) => unknown;
}

/** One part of the abstraction function AF: host state => protocol state. Together the components cover the protocol's state. */
export type Component<H, S> = WholeComponent<H, S> | TableComponent<H, S> | PersistentComponent<H, S>;

/** A property of one protocol step of one host, judged on a node at every step. */
export interface StepInvariant<S> {
  readonly name: string;
  readonly source: string;
  readonly check: (before: S, after: S) => Check;
}

/** Everything that the judge of a node knows about a system. */
export interface HostRefinement<C, H, S, M, Step, W> {
  readonly protocol: ProtocolHost<C, S, M, Step>;
  readonly codec: Codec<M>;
  /** The protocol step that the host claims to have made, `undefined` if the record makes no sense; a wrong claim can only cause an alarm. */
  readonly witness: (action: W, context: StepContext<M>) => Step | undefined;
  readonly components: readonly Component<H, S>[];
  readonly stepInvariants: readonly StepInvariant<S>[];
  /** For traces: the state without what the constants give back, and that put back into the state in which a host starts. */
  readonly trace: {
    readonly strip: (state: S) => unknown;
    readonly restore: (initial: S, stripped: unknown) => S;
  };
}
