/** The states still to be explored, by number. Where a state is a number, its key in the table is the state itself. */
import type { ActionValue, StateModel } from './model.js';
import type { StateTable } from './state-table.js';

/** Whether the states of `model` are their own keys, so that the table alone holds them; looks at an initial state. */
export const hasNumericStates = <S, A extends ActionValue>(model: StateModel<S, A>): boolean => {
  if (model.key !== undefined) return false;
  try {
    for (const state of model.init()) return typeof state === 'number';
  } catch {
    // Whoever enters the initial states tells.
  }
  return false;
};

/** States that were found and not yet taken. */
export class Frontier<S> {
  readonly #table: StateTable;
  readonly #numeric: boolean;
  readonly #states = new Map<number, S>();

  constructor(table: StateTable, numeric: boolean) {
    this.#table = table;
    this.#numeric = numeric;
  }

  add(id: number, state: S): void {
    if (!this.#numeric) this.#states.set(id, state);
  }

  /** The state numbered `id`, which is forgotten. */
  take(id: number): S {
    if (this.#numeric) return this.#table.numberOf(id) as S;
    const state = this.#states.get(id) as S;
    this.#states.delete(id);
    return state;
  }
}
