/** What IronRSM replicates: a deterministic state machine (IronFleet, SOSP 2015, section 5.1, "app state machine"). */
import type { E } from '../../src/spec/prelude.js';

/**
 * A deterministic state machine over a state `A`, which is a persistent value: plain readonly objects, arrays, primitives,
 * bytes and `PersistentMap`. Two replicas that apply the same requests hold equal states and gave equal replies;
 * whoever reads a clock, a random source or anything outside the arguments breaks that, and the judge stops the node.
 */
export interface Application<A> {
  readonly name: string;
  readonly initial: A;
  /** Applies one request. Must not change `state` or `request`. A request that makes no sense gets a reply that says so; throwing stops the node. */
  apply(state: A, request: Uint8Array): Applied<A>;
  /** The state as bytes, a function of the state alone: equal states give equal bytes. */
  snapshot(state: A): Uint8Array;
  /** The inverse of `snapshot`; `Left` says why the bytes are no snapshot. */
  restore(bytes: Uint8Array): E.Either<string, A>;
}

/** What `apply` gives: the next state and the reply to the client. */
export interface Applied<A> {
  readonly state: A;
  readonly reply: Uint8Array;
}

/** An application whose state the replica does not look into. */
export type AnyApplication = Application<unknown>;
