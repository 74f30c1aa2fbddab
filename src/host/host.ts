/** What the main loop asks of host code. Hosts mutate their own state; they never import the protocol that judges them. */
import type { StepIo } from '../network/step-io.js';

/** Imperative host code. `M` messages, `W` the ghost records of its actions. */
export interface Host<M, W> {
  /** One step: receive*; clock?; send*. Runs without `await`. Throwing stops the node, and nothing of the step leaves. */
  next(io: StepIo<M, W>): void;
  /** The clock time in milliseconds at which the host wants a step even without packets; `Infinity` for never. */
  wakeAtMs(): number;
}
