/** The operations of one part of a history in the form that the search walks over: integers in the order of time. */
import type { Model, Operation } from './model.js';

/** Operations with an answer are numbered from 0 in the order of their calls; those without come after them, likewise. */
export interface Timeline<Op, Out> {
  readonly answered: number;
  readonly total: number;
  readonly ops: readonly Op[];
  /** `undefined` from `answered` on. */
  readonly outputs: readonly (Out | undefined)[];
  /** By number: where the operation stands in the history it was taken from. */
  readonly origin: Int32Array;
  /** By number: the place of its call among all events. */
  readonly call: Int32Array;
  /** By number, answered ones only: the place of its return among all events. */
  readonly return: Int32Array;
  /** Answered operations in the order of their returns. */
  readonly byReturn: Int32Array;
  /** By number, answered ones only: the index in `byReturn`. */
  readonly rank: Int32Array;
  /** By number, answered ones only: a place that no other operation holds between its call and its return. */
  readonly slot: Int32Array;
  readonly slots: number;
  /** Operations without an answer that do the same, each list in the order of its calls. */
  readonly alike: readonly (readonly number[])[];
}

interface Event {
  readonly time: number;
  readonly isReturn: boolean;
  readonly index: number;
}

/** Calls come before returns of the same time: nothing says that one preceded the other. */
const eventOrder = (a: Event, b: Event): number =>
  a.time - b.time || Number(a.isReturn) - Number(b.isReturn) || a.index - b.index;

/** The operations at `indices` of `history`. `answeredUntil` leaves open what returned after that time. */
export const timelineOf = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  indices: readonly number[],
  answeredUntil: number = Number.POSITIVE_INFINITY,
): Timeline<Op, Out> => {
  const events: Event[] = [];
  for (const index of indices) {
    const { call, answer } = history[index] as Operation<Op, Out>;
    events.push({ time: call, isReturn: false, index });
    if (answer !== undefined && answer.time <= answeredUntil) events.push({ time: answer.time, isReturn: true, index });
  }
  return new TimelineBuilder(model, history, events.sort(eventOrder)).build();
};

class TimelineBuilder<S, Op, Out> {
  readonly #model: Model<S, Op, Out>;
  readonly #history: readonly Operation<Op, Out>[];
  readonly #events: readonly Event[];

  constructor(model: Model<S, Op, Out>, history: readonly Operation<Op, Out>[], events: readonly Event[]) {
    this.#model = model;
    this.#history = history;
    this.#events = events;
  }

  build(): Timeline<Op, Out> {
    const returned = new Set(this.#events.filter((e) => e.isReturn).map((e) => e.index));
    const calls = this.#events.filter((e) => !e.isReturn).map((e) => e.index);
    const order = [...calls.filter((i) => returned.has(i)), ...calls.filter((i) => !returned.has(i))];
    const operations = order.map((i) => this.#history[i] as Operation<Op, Out>);
    const answered = returned.size;
    const ops = operations.map((o) => o.op);
    return {
      answered,
      total: order.length,
      ops,
      outputs: operations.map((o, n) => (n < answered ? o.answer?.output : undefined)),
      origin: Int32Array.from(order),
      ...this.#places(new Map(order.map((index, n) => [index, n])), answered),
      alike: this.#alike(ops, answered),
    };
  }

  #places(
    numberOf: ReadonlyMap<number, number>,
    answered: number,
  ): Pick<Timeline<Op, Out>, 'call' | 'return' | 'byReturn' | 'rank' | 'slot' | 'slots'> {
    const call = new Int32Array(numberOf.size);
    const returns = new Int32Array(answered);
    const byReturn = new Int32Array(answered);
    const rank = new Int32Array(answered);
    const slot = new Int32Array(answered);
    const free: number[] = [];
    let slots = 0;
    let returnsSeen = 0;
    for (const [place, event] of this.#events.entries()) {
      const n = numberOf.get(event.index) as number;
      if (event.isReturn) {
        returns[n] = place;
        rank[n] = returnsSeen;
        byReturn[returnsSeen++] = n;
        free.push(slot[n] as number);
      } else {
        call[n] = place;
        if (n < answered) slot[n] = free.pop() ?? slots++;
      }
    }
    return { call, return: returns, byReturn, rank, slot, slots };
  }

  #alike(ops: readonly Op[], answered: number): readonly (readonly number[])[] {
    const lists = new Map<string, number[]>();
    for (let n = answered; n < ops.length; n++) {
      const key = this.#model.operationKey?.(ops[n] as Op) ?? `#${n}`;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [n]);
      else list.push(n);
    }
    return [...lists.values()];
  }
}
