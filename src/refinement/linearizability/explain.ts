/** Why a part of a history is not linearizable: the smallest prefix that fails, and how far partial linearizations get. */
import type { Budget } from './budget.js';
import type { Model, Operation } from './model.js';
import { type Searched, search } from './search.js';
import { type Timeline, timelineOf } from './timeline.js';

/** Operations placed in an order that the model allows. All are named by their index in the history. */
export interface PartialLinearization {
  readonly order: readonly number[];
  /** The state after them, in words. */
  readonly state: string;
  /** Answered operations of the prefix that are not among them. */
  readonly missing: readonly number[];
}

/** What shows that a part of a history is not linearizable. All operations are named by their index in the history. */
export interface Explanation {
  /** The part, as the model names it. */
  readonly part: string | undefined;
  /** A prefix in time that is not linearizable: operations called up to `culprit`'s return, in the order of their calls. */
  readonly prefix: readonly number[];
  /** Whether every shorter prefix is linearizable; else the limits were reached before that was known. */
  readonly smallest: boolean;
  /** The operation whose answer ends the prefix. Those that are answered later are open in it. */
  readonly culprit: number;
  /** The longest partial linearizations of the prefix; none where the limits were reached. */
  readonly partials: readonly PartialLinearization[];
  /** Answered operations of the prefix that none of `partials` places; `culprit` if each is placed by some. */
  readonly unplaced: readonly number[];
}

/** Explains why the operations at `indices`, one part of `history`, are not linearizable, as `failed` found on `timeline`. */
export const explain = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  part: { readonly name: string | undefined; readonly indices: readonly number[] },
  timeline: Timeline<Op, Out>,
  failed: Searched<S>,
  budget: Budget,
): Explanation => {
  const prefixes = new Prefixes(model, history, part.indices, timeline, budget);
  const { length, smallest } = prefixes.smallestFailing(failed.deepest);
  const line = prefixes.timeline(length);
  const again = search(model, line, budget);
  // An interrupted search has not seen the longest ones.
  const partials = again.answer === 'not' ? search(model, line, budget, again.placedMax).partials : [];
  const originOf = (n: number): number => line.origin[n] as number;
  const answered = Array.from({ length: line.answered }, (_, n) => n);
  const described = partials.map(({ order, state }) => {
    const placed = new Set(order);
    return {
      order: order.map(originOf),
      state: model.describeState(state),
      missing: answered.filter((n) => !placed.has(n)).map(originOf),
    };
  });
  const culprit = timeline.origin[timeline.byReturn[length] as number] as number;
  const inAll = (described[0]?.missing ?? []).filter((i) => described.every((p) => p.missing.includes(i)));
  return {
    part: part.name,
    prefix: Array.from({ length: line.total }, (_, n) => n)
      .sort((a, b) => (line.call[a] as number) - (line.call[b] as number))
      .map(originOf),
    smallest,
    culprit,
    partials: described,
    unplaced: inAll.length === 0 ? [culprit] : inAll,
  };
};

/** The prefixes of a part that end with a return: number r ends with the return of that rank. */
class Prefixes<S, Op, Out> {
  readonly #model: Model<S, Op, Out>;
  readonly #history: readonly Operation<Op, Out>[];
  readonly #indices: readonly number[];
  readonly #line: Timeline<Op, Out>;
  readonly #budget: Budget;

  constructor(
    model: Model<S, Op, Out>,
    history: readonly Operation<Op, Out>[],
    indices: readonly number[],
    line: Timeline<Op, Out>,
    budget: Budget,
  ) {
    this.#model = model;
    this.#history = history;
    this.#indices = indices;
    this.#line = line;
    this.#budget = budget;
  }

  timeline(rank: number): Timeline<Op, Out> {
    const last = this.#history[this.#line.origin[this.#line.byReturn[rank] as number] as number];
    const until = last?.answer?.time ?? Number.POSITIVE_INFINITY;
    const indices = this.#indices.filter((i) => (this.#history[i] as Operation<Op, Out>).call <= until);
    return timelineOf(this.#model, this.#history, indices, until);
  }

  /** Prefixes of linearizable histories are linearizable, so the smallest can be found by halving. Those below `from` are known to be. */
  smallestFailing(from: number): { readonly length: number; readonly smallest: boolean } {
    let low = from;
    let high = this.#line.answered - 1;
    // The first one tried is mostly the one.
    for (let reach = 0; low < high; reach = reach * 2 + 1) {
      const at = Math.min(low + reach, high - 1, Math.floor((low + high) / 2));
      const { answer } = search(this.#model, this.timeline(at), this.#budget);
      if (answer === 'not') high = at;
      else if (answer === 'linearizable') low = at + 1;
      else return { length: high, smallest: false };
    }
    return { length: high, smallest: true };
  }
}
