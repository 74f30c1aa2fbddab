/** The states that a search comes across, by number, so that its configurations are integers. */
import { O } from '../../spec/prelude.js';
import type { Budget } from './budget.js';
import type { Model } from './model.js';
import type { Timeline } from './timeline.js';

/** In place of a state's number where the model refuses an operation. */
export const refused = -1;

/** What any state takes, roughly: the object, and its entry in the map of states. */
const stateBytesMin = 100;

export class States<S, Op, Out> {
  readonly #model: Model<S, Op, Out>;
  readonly #line: Timeline<Op, Out>;
  readonly #budget: Budget;
  readonly #states: S[] = [];
  readonly #numbers = new Map<string | number, number>();
  #bytes = 0;

  constructor(model: Model<S, Op, Out>, line: Timeline<Op, Out>, budget: Budget) {
    this.#model = model;
    this.#line = line;
    this.#budget = budget;
  }

  /** The number of the state that everything begins in. */
  get initial(): number {
    return this.#numberOf(this.#model.init);
  }

  /** What they take, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The state with this number. */
  at(state: number): S {
    return this.#states[state] as S;
  }

  /** The number of the state after operation `n` of the timeline, or `refused`. */
  step(state: number, n: number): number {
    this.#budget.spend();
    const next = this.#model.step(this.at(state), this.#line.ops[n] as Op, this.#line.outputs[n]);
    return O.isNone(next) ? refused : this.#numberOf(next.value);
  }

  #numberOf(state: S): number {
    const key = this.#model.stateKey(state);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#states.length);
    // The state itself is taken to be about as large as its key.
    this.#bytes += stateBytesMin + (typeof key === 'string' ? 4 * key.length : 0);
    return this.#states.push(state) - 1;
  }
}
