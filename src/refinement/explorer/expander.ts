/** Explores one state: enters its successors into the table, and judges what is new. What one thread and several share. */

import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import { showValue } from '../values.js';
import { errorWords, isOutOfMemory, ModelFault } from './fault.js';
import {
  type ActionValue,
  checkOfVerdict,
  type Property,
  type StateModel,
  successorsOf,
  type Verdict,
} from './model.js';
import { StateKey } from './state-key.js';
import { full, known, noParent, type StateTable } from './state-table.js';
import { emptyTotals, type Totals } from './totals.js';

/** What was found false, and where: in the state `id`, or in the step at `place` of its successors. */
export interface FoundAt {
  readonly id: number;
  readonly place: number | undefined;
  readonly violation: Violation;
}

/** The first states are all explored twice, to see that steps are deterministic; later ones at this rate. */
const twiceFirst = 64;
const twiceMask = 127;

type Of<S, A, K extends Property<S, A>['kind']> = Extract<Property<S, A>, { kind: K }>;

const pick = <S, A, K extends Property<S, A>['kind']>(
  properties: readonly Property<S, A>[],
  kind: K,
): readonly Of<S, A, K>[] => properties.filter((p): p is Of<S, A, K> => p.kind === kind);

/** The name of an action without its arguments. */
export const nameOf = <S, A extends ActionValue>(model: StateModel<S, A>, action: A): string => {
  if (model.actionName !== undefined) return model.actionName(action);
  if (typeof action === 'object') return action.tag;
  return String(action).split('(')[0] as string;
};

/** Evidence as texts and numbers: it is printed, and travels between threads. */
const shownEvidence = ({ evidence }: Violation): Violation['evidence'] =>
  Object.fromEntries(
    Object.entries(evidence).map(([name, value]) => [name, typeof value === 'object' ? showValue(value) : value]),
  );

/** `onNew` is told of every new state within the bounds. */
export class Expander<S, A extends ActionValue> {
  readonly key: StateKey<S, A>;
  readonly totals: Totals = emptyTotals();
  /** The first violation found. */
  found: FoundAt | undefined;
  /** The state at which work was last under way, for the place of a fault. */
  at = noParent;
  readonly #model: StateModel<S, A>;
  readonly #table: StateTable;
  readonly #onNew: (id: number, state: S) => void;
  readonly #successors: (state: S, emit: (action: A, next: S) => void) => void;
  readonly #always: readonly Of<S, A, 'always'>[];
  readonly #steps: readonly Of<S, A, 'alwaysStep'>[];
  readonly #sometimes: readonly Of<S, A, 'sometimes'>[];
  readonly #noDeadlock: Of<S, A, 'noDeadlock'> | undefined;
  readonly #symmetry: boolean;
  // Of the state under way.
  #state: S | undefined;
  #place = 0;
  #from = 0;
  #stuck = false;
  #changed = false;
  #expansions = 0;

  constructor(model: StateModel<S, A>, table: StateTable, symmetry: boolean, onNew: (id: number, state: S) => void) {
    this.#model = model;
    this.#table = table;
    this.#symmetry = symmetry;
    this.#onNew = onNew;
    this.key = new StateKey(model, symmetry);
    this.#successors = successorsOf(model);
    this.#always = pick(model.properties, 'always');
    this.#steps = pick(model.properties, 'alwaysStep');
    this.#sometimes = pick(model.properties, 'sometimes');
    this.#noDeadlock = pick(model.properties, 'noDeadlock')[0];
    for (const { name } of this.#sometimes) this.totals.reached.set(name, 0);
  }

  /** Enters the initial states; `false` where memory ran out. */
  begin(): boolean {
    let index = 0;
    for (const state of this.#initial()) {
      this.key.of(state);
      this.totals.generated++;
      const id = this.#table.add(this.key.hi, this.key.lo, noParent, index++);
      if (id === full) return false;
      if (id !== known) this.#enter(id, state);
    }
    if (index === 0) throw new ModelFault('no-initial-state', `the model ${this.#model.name} has no initial state`);
    return true;
  }

  #initial(): readonly S[] {
    try {
      return [...this.#model.init()];
    } catch (error) {
      throw new ModelFault('threw', `the initial states of ${this.#model.name} threw ${errorWords(error)}`);
    }
  }

  /**
   * Explores `state`, the one numbered `id`. Answers -1 when it is done; where the table was full, the place from which to go
   * on once it has grown.
   */
  expand(id: number, state: S, from = 0): number {
    this.at = id;
    if (from === 0 && this.#dueTwice()) this.#expandTwice(id, state);
    this.#state = state;
    this.#place = 0;
    this.#from = from;
    this.#stuck = false;
    if (from === 0) this.#changed = false;
    this.#run(state, this.#emit);
    if (this.#stuck) return this.#from;
    if (!this.#changed) this.#judgeEnd(id, state);
    return -1;
  }

  #run(state: S, emit: (action: A, next: S) => void): void {
    try {
      this.#successors(state, emit);
    } catch (error) {
      if (error instanceof ModelFault || isOutOfMemory(error)) throw error;
      throw new ModelFault('threw', `a step from the state ${this.#shown(state)} threw ${errorWords(error)}`);
    }
  }

  readonly #emit = (action: A, next: S): void => {
    const place = this.#place++;
    if (place < this.#from || this.#stuck) return;
    const { key } = this;
    let id = known;
    if (next !== this.#state) {
      key.of(next);
      id = this.#table.add(key.hi, key.lo, this.at, place);
    }
    if (id === full) {
      this.#stuck = true;
      this.#from = place;
      return;
    }
    if (!this.#changed && next !== this.#state) this.#changed = !this.#isStutter(next);
    this.totals.generated++;
    this.#cover(action, id !== known);
    if (id !== known) this.#enter(id, next);
    if (this.#steps.length > 0) this.#judgeStep(action, next, place);
  };

  #isStutter(next: S): boolean {
    const { hi, lo } = this.key;
    if (!this.#table.hasKey(this.at, hi, lo)) return false;
    if (!this.#symmetry) return true;
    // A step to a state that is equal up to a permutation does change the state.
    this.key.ofItself(this.#state as S);
    const [ownHi, ownLo] = [this.key.hi, this.key.lo];
    this.key.ofItself(next);
    return this.key.hi === ownHi && this.key.lo === ownLo;
  }

  #cover(action: A, isNew: boolean): void {
    // Actions that are numbers or texts are counted as they are, and named at the end.
    const name = typeof action === 'object' ? nameOf(this.#model, action) : (action as string | number);
    const row = this.totals.actions.get(name);
    if (row === undefined) this.totals.actions.set(name, { generated: 1, distinct: isNew ? 1 : 0 });
    else {
      row.generated++;
      if (isNew) row.distinct++;
    }
  }

  #enter(id: number, state: S): void {
    if (this.#model.within !== undefined && !this.#guarded('the bounds', state, this.#model.within)) {
      this.#table.markCut(id);
      this.totals.cut++;
      return;
    }
    this.totals.distinct++;
    for (const property of this.#always) {
      const verdict = this.#guarded(`the property "${property.name}"`, state, property.holds);
      if (verdict !== true) this.#judged(id, undefined, 'INVARIANT', property.name, verdict);
    }
    for (const { name, holds } of this.#sometimes) {
      if (this.#guarded(`the property "${name}"`, state, holds)) {
        this.totals.reached.set(name, (this.totals.reached.get(name) ?? 0) + 1);
      }
    }
    if (this.#model.stateClass !== undefined) {
      const kind = this.#guarded('the class', state, this.#model.stateClass);
      this.totals.classes.set(kind, (this.totals.classes.get(kind) ?? 0) + 1);
    }
    this.#onNew(id, state);
  }

  #judgeStep(action: A, next: S, place: number): void {
    if (this.#model.within !== undefined && !this.#guarded('the bounds', next, this.#model.within)) return;
    for (const { name, holds } of this.#steps) {
      const verdict = this.#guarded(`the property "${name}" of a step`, next, () =>
        holds(this.#state as S, action, next),
      );
      if (verdict !== true) this.#judged(this.at, place, 'STEP_INVARIANT', name, verdict);
    }
  }

  /** No step changes this state. */
  #judgeEnd(id: number, state: S): void {
    this.totals.ends++;
    if (this.#noDeadlock === undefined) return;
    const { name, mayEnd } = this.#noDeadlock;
    if (!this.#guarded(`the property "${name}"`, state, mayEnd)) this.#judged(id, undefined, 'DEADLOCK', name, false);
  }

  #judged(id: number, place: number | undefined, code: string, name: string, verdict: Verdict): void {
    const check = checkOfVerdict(code, name, verdict);
    if (E.isRight(check) || this.found !== undefined) return;
    this.found = { id, place, violation: { ...check.left, evidence: shownEvidence(check.left) } };
  }

  #guarded<T>(what: string, state: S, judge: (state: S) => T): T {
    try {
      return judge(state);
    } catch (error) {
      throw new ModelFault('threw', `${what} threw ${errorWords(error)} in the state ${this.#shown(state)}`);
    }
  }

  #shown(state: S): string {
    try {
      return showValue(this.#model.show === undefined ? state : this.#model.show(state), 200);
    } catch (error) {
      return `that cannot be shown (${errorWords(error)})`;
    }
  }

  #dueTwice(): boolean {
    const n = this.#expansions++;
    return n < twiceFirst || (n & twiceMask) === 0;
  }

  /** Whether the state is still what it was when it was found, and has the same successors twice. */
  #expandTwice(id: number, state: S): void {
    const first: number[] = [];
    const { key } = this;
    this.#run(state, (_, next) => {
      key.freshOf(next);
      first.push(key.hi, key.lo);
    });
    let at = 0;
    let same = true;
    this.#run(state, (_, next) => {
      key.freshOf(next);
      same &&= first[at] === key.hi && first[at + 1] === key.lo;
      at += 2;
    });
    if (!same || at !== first.length)
      throw new ModelFault(
        'not-deterministic',
        `two executions of the steps from the state ${this.#shown(state)} differ`,
      );
    key.freshOf(state);
    if (!this.#table.hasKey(id, key.hi, key.lo))
      throw new ModelFault('not-deterministic', `a step changes states in place; one is now ${this.#shown(state)}`);
  }
}
