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
  /**
   * A piece of the state as bytes, for a replica that lags: the first one where `after` is null, else the one that follows the piece whose
   * `next` was `after`. A function of its arguments, of about `bytesMax` bytes, however large the state is; costs what the piece costs.
   * `undefined` where no piece has such a `next`. An application whose state is small uses `wholeState`.
   */
  piece(state: A, after: Uint8Array | null, bytesMax: number): Piece | undefined;
  /** The state with a piece taken in. The pieces of a state, taken in order into `initial`, give that state. `Left` says why the bytes are no piece. */
  join(state: A, bytes: Uint8Array): E.Either<string, A>;
}

/** A piece of a state, and where the next one begins: null after the last. The caller's own. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly next: Uint8Array | null;
}

/** `piece` and `join` of an application whose state fits into one message: it goes in one piece. `snapshot` gives equal bytes for equal states; `restore` is its inverse. */
export const wholeState = <A>(
  snapshot: (state: A) => Uint8Array,
  restore: (bytes: Uint8Array) => E.Either<string, A>,
): Pick<Application<A>, 'piece' | 'join'> => ({
  piece: (state, after) => (after === null ? { bytes: snapshot(state), next: null } : undefined),
  join: (_, bytes) => restore(bytes),
});

/** What `apply` gives: the next state and the reply to the client. */
export interface Applied<A> {
  readonly state: A;
  readonly reply: Uint8Array;
}

/** An application whose state the replica does not look into. */
export type AnyApplication = Application<unknown>;
