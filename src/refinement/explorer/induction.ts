/**
 * Inductive invariants: from every state that satisfies them, reachable or not, every step leads to one that does. States are
 * drawn from a small domain, all of it; a counterexample to induction is a state, a step and the invariant that it breaks.
 */
import { E } from '../../spec/prelude.js';
import { showValue } from '../values.js';
import { type ActionValue, checkOfVerdict, type StateModel, type StateProperty, successorsOf } from './model.js';
import { actionWords } from './trace.js';

type Always<S> = Extract<StateProperty<S>, { kind: 'always' }>;

export interface InductionParts<S, A extends ActionValue> {
  /** Its steps; its properties are not looked at. */
  readonly model: StateModel<S, A>;
  readonly invariants: readonly Always<S>[];
  /** The domain; states that satisfy not all invariants are passed over. */
  readonly states: Iterable<S>;
}

/** A state that satisfies every invariant, and a step that breaks one. */
export interface CounterexampleToInduction {
  readonly invariant: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly before: string;
  readonly action: string;
  readonly after: string;
}

export interface InductionResult {
  readonly name: string;
  /** States of the domain, and those of them that satisfy the invariants. */
  readonly candidates: number;
  readonly drawn: number;
  readonly steps: number;
  readonly initialStates: number;
  readonly found: CounterexampleToInduction | undefined;
  /** An initial state does not satisfy the invariants: its evidence. */
  readonly initiallyFalse: string | undefined;
}

const stateMax = 2_000;

class Induction<S, A extends ActionValue> {
  readonly #parts: InductionParts<S, A>;
  readonly #shown: (state: S) => string;

  constructor(parts: InductionParts<S, A>) {
    this.#parts = parts;
    const { show } = parts.model;
    this.#shown = (state) => showValue(show === undefined ? state : show(state), stateMax);
  }

  /** The first invariant that `state` breaks. */
  #broken(state: S) {
    for (const { name, holds } of this.#parts.invariants) {
      const check = checkOfVerdict('INVARIANT', name, holds(state));
      if (E.isLeft(check)) return { invariant: name, evidence: check.left.evidence };
    }
    return undefined;
  }

  run(): InductionResult {
    const { model, states } = this.#parts;
    const initial = [...model.init()];
    const initiallyFalse = initial.map((state) => this.#broken(state)?.invariant).find((name) => name !== undefined);
    let [candidates, drawn, steps] = [0, 0, 0];
    let found: CounterexampleToInduction | undefined;
    const successors = successorsOf(model);
    for (const state of states) {
      candidates++;
      if (this.#broken(state) !== undefined) continue;
      drawn++;
      successors(state, (action, next) => {
        steps++;
        const broken = found === undefined && next !== state ? this.#broken(next) : undefined;
        if (broken === undefined) return;
        const before = this.#shown(state);
        found = { ...broken, before, action: actionWords(model, action), after: this.#shown(next) };
      });
      if (found !== undefined) break;
    }
    return { name: model.name, candidates, drawn, steps, initialStates: initial.length, found, initiallyFalse };
  }
}

/** Takes one step from every state of the domain that satisfies the invariants. Stops at the first counterexample. */
export const judgeInduction = <S, A extends ActionValue>(parts: InductionParts<S, A>): InductionResult =>
  new Induction(parts).run();
