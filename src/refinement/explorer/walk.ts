/** Visits all explored states again, each with its state, in the order of discovery: for liveness and for resuming. */
import { ModelFault } from './fault.js';
import { type ActionValue, type StateModel, successorsOf } from './model.js';
import { StateKey } from './state-key.js';
import { hole, noParent, type StateTable } from './state-table.js';

/** A step out of a visited state. */
export interface Emission<S, A> {
  readonly action: A;
  readonly next: S;
}

/** The children of every state, in the order of their numbers. */
class Children {
  readonly #start: Int32Array;
  readonly #ids: Int32Array;

  constructor(table: StateTable) {
    const { size } = table;
    this.#start = new Int32Array(size + 2);
    this.#ids = new Int32Array(size);
    for (let id = 0; id < size; id++) {
      const parent = table.parentOf(id);
      if (parent >= 0) (this.#start[parent + 2] as number)++;
    }
    for (let id = 0; id < size; id++)
      this.#start[id + 2] = (this.#start[id + 2] ?? 0) + (this.#start[id + 1] as number);
    for (let id = 0; id < size; id++) {
      const parent = table.parentOf(id);
      if (parent < 0) continue;
      const at = this.#start[parent + 1] as number;
      this.#ids[at] = id;
      this.#start[parent + 1] = at + 1;
    }
  }

  of(id: number): Int32Array {
    return this.#ids.subarray(this.#start[id] as number, this.#start[id + 1] as number);
  }
}

/**
 * Calls `visit` for every state within the bounds. Executes every step that first reached a state again, and throws
 * `ModelFault` where one leads elsewhere. Holds as many states as are known and not yet visited.
 */
export const walkStates = <S, A extends ActionValue>(
  model: StateModel<S, A>,
  table: StateTable,
  symmetry: boolean,
  visit: (id: number, state: S, emissions: readonly Emission<S, A>[]) => void,
): void => {
  for (const _ of walking(model, table, symmetry, visit));
};

/** As `walkStates`, with a rest after each state. */
export function* walking<S, A extends ActionValue>(
  model: StateModel<S, A>,
  table: StateTable,
  symmetry: boolean,
  visit: (id: number, state: S, emissions: readonly Emission<S, A>[]) => void,
): Generator<void, void> {
  const key = new StateKey(model, symmetry);
  const successors = successorsOf(model);
  const children = new Children(table);
  const waiting = new Map<number, S>();
  const await_ = (id: number, state: S | undefined): void => {
    if (state !== undefined) key.of(state);
    if (state === undefined || !table.hasKey(id, key.hi, key.lo))
      throw new ModelFault('not-deterministic', 'a step leads elsewhere when it is executed again');
    if (!table.isCut(id)) waiting.set(id, state);
  };
  const initial = [...model.init()];
  for (let id = 0; id < table.size; id++) {
    if (table.parentOf(id) === hole) continue;
    if (table.parentOf(id) === noParent) await_(id, initial[table.viaOf(id)]);
    if (!table.isInner(id)) continue;
    const state = waiting.get(id) as S;
    waiting.delete(id);
    const emissions: Emission<S, A>[] = [];
    successors(state, (action, next) => emissions.push({ action, next }));
    for (const child of children.of(id)) await_(child, emissions[table.viaOf(child)]?.next);
    visit(id, state, emissions);
    yield;
  }
}
