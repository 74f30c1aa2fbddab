/** Executes a path of the table again, from an initial state: the table holds only keys, and a trace needs states. */
import { ModelFault } from './fault.js';
import { type ActionValue, type StateModel, successorsOf } from './model.js';
import { StateKey } from './state-key.js';
import type { StateTable } from './state-table.js';

/** A state of a trace, and the action that led to it; none for the initial state. */
export interface TraceStep<S> {
  readonly action: string | undefined;
  readonly state: S;
}

/** How an action instance is shown and told apart. */
export const actionWords = <S, A extends ActionValue>(model: StateModel<S, A>, action: A): string => {
  if (model.showAction !== undefined) return model.showAction(action);
  return typeof action === 'object' ? JSON.stringify(action) : String(action);
};

/** Finds states again by their keys. */
export class Retrace<S, A extends ActionValue> {
  readonly #model: StateModel<S, A>;
  readonly #table: StateTable;
  readonly #key: StateKey<S, A>;
  readonly #successors: (state: S, emit: (action: A, next: S) => void) => void;

  constructor(model: StateModel<S, A>, table: StateTable, symmetry: boolean) {
    this.#model = model;
    this.#table = table;
    this.#key = new StateKey(model, symmetry);
    this.#successors = successorsOf(model);
  }

  /** The trace to the state `id`, along its parents: a shortest one. Throws `ModelFault` where the model does not lead there again. */
  to(id: number): readonly TraceStep<S>[] {
    return this.along(this.#table.pathTo(id));
  }

  /** The trace along the states `path`, the first of which is an initial one. */
  along(path: readonly number[]): readonly TraceStep<S>[] {
    const [first, ...rest] = path;
    const steps: TraceStep<S>[] = [this.#initial(first as number)];
    for (const next of rest) steps.push(this.step((steps.at(-1) as TraceStep<S>).state, next));
    return steps;
  }

  #initial(id: number): TraceStep<S> {
    for (const state of this.#model.init()) {
      this.#key.of(state);
      if (this.#table.hasKey(id, this.#key.hi, this.#key.lo)) return { action: undefined, state };
    }
    throw new ModelFault('not-deterministic', 'the initial states differ when they are made again');
  }

  /** A step from `state` to the state `id`, by the action instance `action` if one is named. */
  step(state: S, id: number, action?: string): TraceStep<S> {
    let found: TraceStep<S> | undefined;
    this.#successors(state, (taken, next) => {
      if (found !== undefined) return;
      this.#key.of(next);
      if (!this.#table.hasKey(id, this.#key.hi, this.#key.lo)) return;
      const words = actionWords(this.#model, taken);
      if (action === undefined || action === words) found = { action: words, state: next };
    });
    if (found === undefined)
      throw new ModelFault(
        'not-deterministic',
        'a trace that was explored cannot be executed again: a step, or what stands for a state, is not a function',
      );
    return found;
  }

  /** The step at `place` of the successors of `state`. */
  stepAt(state: S, place: number): TraceStep<S> {
    let found: TraceStep<S> | undefined;
    let at = 0;
    this.#successors(state, (taken, next) => {
      if (at++ === place) found = { action: actionWords(this.#model, taken), state: next };
    });
    if (found === undefined)
      throw new ModelFault('not-deterministic', 'a state has fewer successors when it is explored again');
    return found;
  }
}
