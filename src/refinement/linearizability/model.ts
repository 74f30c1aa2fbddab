/**
 * Sequential specifications and the histories that are judged by them (Herlihy and Wing, Linearizability, TOPLAS 1990).
 */
import type { O } from '../../spec/prelude.js';

/**
 * What an object does when its operations come one after the other. `Op` is what a client asked, `Out` what it was told;
 * `Out` never is `undefined`. States are values: `step` changes none.
 */
export interface Model<S, Op, Out> {
  readonly name: string;
  readonly init: S;
  /**
   * The state after `op`, or `none` where `op` cannot be answered with `output` in `state`. `undefined` is an unknown
   * outcome: any answer will do.
   */
  step(state: S, op: Op, output: Out | undefined): O.Option<S>;
  /** The same for equal states, and different for others. */
  stateKey(state: S): string | number;
  /**
   * The part of the object that `op` is about. Parts are judged apart, which is sound because linearizability is local
   * (P-compositionality: Horn and Kroening, FORTE 2015); `init` and `step` then are those of one part.
   */
  partition?(op: Op): string;
  /**
   * The same for operations that do the same. Given, it spares the search the orders of equal operations whose outcome is
   * unknown.
   */
  operationKey?(op: Op): string;
  /**
   * Whether `op`, answered so, never changes a state that allows it. Given, it spares the search the orders of operations that
   * only look.
   */
  readOnly?(op: Op, output: Out): boolean;
  /**
   * Whether `op` may be answered with `output` in `state`, or in any state that the operations in `others`, each once, lead to
   * from there. When in doubt, true. Given, it tells the search early that an order leads nowhere.
   */
  stillPossible?(state: S, op: Op, output: Out, others: () => Iterable<Op>): boolean;
  /** An operation in words, with its answer; `undefined` is an unknown one. */
  describe(op: Op, output: Out | undefined): string;
  describeState(state: S): string;
}

/**
 * One operation of a history. Times are of one clock, in any unit. One operation precedes another if it returned before the
 * other was called; equal times do not order them.
 */
export interface Operation<Op, Out> {
  /** Who asked; one operation at a time. */
  readonly client: string;
  readonly op: Op;
  readonly call: number;
  /**
   * When the answer came, and what it was. Without one the outcome is unknown for ever: the operation may take effect at any
   * time after its call, or never.
   */
  readonly answer: { readonly time: number; readonly output: Out } | undefined;
}
