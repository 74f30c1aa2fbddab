/**
 * Histories whose order somebody proposes. Finding an order is hard (Gibbons and Korach, Testing Shared Memories, SIAM J. Comput.
 * 1997: NP-complete); checking one costs a step of the model for each operation. The proposal needs no trust: an order that holds is a proof.
 */
import { O } from '../../spec/prelude.js';
import type { Model, Operation } from './model.js';

/**
 * Whether `order`, indices into `history`, is a linearization of it: it has every answered operation once, others at most once, none
 * stands before one that returned before it was called, and the model gives every answer.
 */
export const isLinearization = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  order: readonly number[],
): boolean => {
  const placed = new Set<number>();
  const states = new Map<string | undefined, S>();
  let lastCall = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    const operation = history[index];
    if (operation === undefined || placed.has(index)) return false;
    placed.add(index);
    const { op, call, answer } = operation;
    if (answer !== undefined && answer.time < lastCall) return false;
    lastCall = Math.max(lastCall, call);
    const part = model.partition?.(op);
    const before = states.has(part) ? (states.get(part) as S) : model.init;
    const after = model.step(before, op, answer?.output);
    if (O.isNone(after)) return false;
    states.set(part, after.value);
  }
  return history.every(({ answer }, index) => answer === undefined || placed.has(index));
};
