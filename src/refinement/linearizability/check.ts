/** The check of a history: its parts one by one, with a three-valued answer. */
import { Budget, type CheckLimits, type Limit } from './budget.js';
import { type Explanation, explain } from './explain.js';
import type { Model, Operation } from './model.js';
import { search } from './search.js';
import { timelineOf } from './timeline.js';
import { isLinearization } from './witness.js';

/** What a check did. */
export interface CheckCost {
  readonly operations: number;
  /** Parts that the model takes the history apart into; those after a failed one are not searched. */
  readonly parts: number;
  /** Steps of the model. */
  readonly steps: number;
}

/** The order of one part's operations, by their index in the history. */
export interface Linearization {
  readonly part: string | undefined;
  readonly order: readonly number[];
}

/** The answer of a check: there is an order for every part; there is none for one; or a limit was reached before that was known. */
export type Linearizability = CheckCost &
  (
    | { readonly answer: 'linearizable'; readonly linearizations: readonly Linearization[] }
    | { readonly answer: 'not'; readonly explanation: Explanation }
    | { readonly answer: 'unknown'; readonly limit: Limit; readonly unknownParts: readonly (string | undefined)[] }
  );

interface Part {
  readonly name: string | undefined;
  readonly indices: readonly number[];
}

/** Small parts first: they are the cheapest to refute. */
const partsOf = <S, Op, Out>(model: Model<S, Op, Out>, history: readonly Operation<Op, Out>[]): readonly Part[] => {
  if (model.partition === undefined) return [{ name: undefined, indices: [...history.keys()] }];
  const parts = new Map<string, number[]>();
  for (const [i, { op }] of history.entries()) {
    const name = model.partition(op);
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [i]);
    else part.push(i);
  }
  return [...parts].map(([name, indices]) => ({ name, indices })).sort((a, b) => a.indices.length - b.indices.length);
};

const byPart = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  parts: readonly Part[],
  order: readonly number[],
): readonly Linearization[] => {
  const orders = new Map(parts.map(({ name }): [string | undefined, number[]] => [name, []]));
  for (const index of order) orders.get(model.partition?.((history[index] as Operation<Op, Out>).op))?.push(index);
  return [...orders].map(([part, ofPart]) => ({ part, order: ofPart }));
};

/** Throws where an operation returned before it was called, or a time is no number. */
const assertTimes = <Op, Out>(history: readonly Operation<Op, Out>[]): void => {
  for (const [i, { call, answer }] of history.entries()) {
    if (!Number.isFinite(call) || (answer !== undefined && !(answer.time >= call && Number.isFinite(answer.time))))
      throw new RangeError(`operation ${i} is called at ${call} and returns at ${answer?.time}`);
  }
};

/**
 * Whether `history`, in any order, is linearizable with respect to `model`. Time grows with the length of the history and, in
 * the worst case, exponentially with the number of operations under way at one time: set limits. `witness` is an order, by indices, that
 * may be one: where it is, nothing is searched.
 */
export const checkLinearizability = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  limits: CheckLimits = {},
  witness?: readonly number[],
): Linearizability => {
  assertTimes(history);
  const budget = new Budget(limits);
  const parts = partsOf(model, history);
  if (witness !== undefined && isLinearization(model, history, witness)) {
    const linearizations = byPart(model, history, parts, witness);
    return {
      answer: 'linearizable',
      linearizations,
      operations: history.length,
      parts: parts.length,
      steps: witness.length,
    };
  }
  const cost = (): CheckCost => ({ operations: history.length, parts: parts.length, steps: budget.steps });
  const linearizations: Linearization[] = [];
  const unknownParts: (string | undefined)[] = [];
  let limit: Limit | undefined;
  for (const part of parts) {
    const timeline = timelineOf(model, history, part.indices);
    budget.look();
    const searched = search(model, timeline, budget);
    if (searched.answer === 'not')
      return { answer: 'not', explanation: explain(model, history, part, timeline, searched, budget), ...cost() };
    if (searched.answer === 'linearizable') {
      const order = (searched.linearization?.order ?? []).map((n) => timeline.origin[n] as number);
      linearizations.push({ part: part.name, order });
    } else {
      limit ??= searched.answer;
      unknownParts.push(part.name);
    }
  }
  if (limit !== undefined) return { answer: 'unknown', limit, unknownParts, ...cost() };
  return { answer: 'linearizable', linearizations, ...cost() };
};
