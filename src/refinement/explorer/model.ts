/**
 * What the explorer explores: a state machine without a network, as a value. A protocol with a network becomes one by
 * `protocolModel`. After TLC (Yu, Manolios, Lamport, 1999) and Stateright: the step is a value that holds every choice, so
 * that a step leads to one state, and properties are named values.
 */
import { type Check, holds, violated } from '../../spec/check.js';

/** A number, or a plain value with a `tag`. Two actions that differ in any field are two instances of one action. */
export type ActionValue = string | number | { readonly tag: string };

/** `true` or `holds` where a predicate is kept; a failed check says in its evidence why not. */
export type Verdict = boolean | Check;

/** A property of states. Symmetric in whatever `canonical` permutes. */
export type StateProperty<S> =
  | { readonly kind: 'always'; readonly name: string; readonly holds: (state: S) => Verdict }
  | { readonly kind: 'sometimes'; readonly name: string; readonly holds: (state: S) => boolean }
  | { readonly kind: 'noDeadlock'; readonly name: string; readonly mayEnd: (state: S) => boolean }
  | {
      readonly kind: 'leadsTo';
      readonly name: string;
      readonly premise: (state: S) => boolean;
      readonly goal: (state: S) => boolean;
    };

/** A property of steps. */
export interface StepProperty<S, A> {
  readonly kind: 'alwaysStep';
  readonly name: string;
  readonly holds: (before: S, action: A, after: S) => Verdict;
}

/** What is stated of a model. */
export type Property<S, A> = StateProperty<S> | StepProperty<S, A>;

/** Holds in every reachable state. */
export const always = <S>(name: string, predicate: (state: S) => Verdict): StateProperty<S> => ({
  kind: 'always',
  name,
  holds: predicate,
});

/** Holds of every step between reachable states, those that change nothing included. */
export const alwaysStep = <S, A>(
  name: string,
  predicate: (before: S, action: A, after: S) => Verdict,
): StepProperty<S, A> => ({ kind: 'alwaysStep', name, holds: predicate });

/** Holds in some reachable state: without it the exploration was vacuous. */
export const sometimes = <S>(name: string, predicate: (state: S) => boolean): StateProperty<S> => ({
  kind: 'sometimes',
  name,
  holds: predicate,
});

/** Every state has a step that changes it, except those in which the system may end. */
export const noDeadlock = <S>(mayEnd: (state: S) => boolean = () => false): StateProperty<S> => ({
  kind: 'noDeadlock',
  name: 'no deadlock',
  mayEnd,
});

/** Whenever `premise` holds, `goal` holds then or later, if every fair action instance is treated with weak fairness. */
export const leadsTo = <S>(
  name: string,
  premise: (state: S) => boolean,
  goal: (state: S) => boolean,
): StateProperty<S> => ({ kind: 'leadsTo', name, premise, goal });

/** What every model has. States are immutable values; equal states have equal keys. */
interface ModelParts<S, A> {
  readonly name: string;
  readonly init: () => Iterable<S>;
  readonly properties: readonly Property<S, A>[];
  /** False for states beyond the bounds: they are counted as cut, and neither judged nor explored. */
  readonly within?: (state: S) => boolean;
  /**
   * Tells states apart. By default a state that is a natural number up to 2^53 - 1 is its own key, and any other state is
   * known by 64 bits of a hash over its value (primitives, bytes, arrays, plain objects, `PersistentMap`). A key that is a
   * natural number is exact; any other is hashed.
   */
  readonly key?: (state: S) => number | bigint | string | Uint8Array | Int32Array;
  /** Symmetry: the one state that stands for all that are equal up to a permutation. Used only where symmetry is asked for. */
  readonly canonical?: (state: S) => S;
  /** The name of an action, shared by its instances; by default the text up to `(`, or the tag. */
  readonly actionName?: (action: A) => string;
  /** Whether weak fairness is assumed of an action instance; by default of all. What only a fault does is not fair. */
  readonly fair?: (action: A) => boolean;
  /** A kind of state, counted as coverage. */
  readonly stateClass?: (state: S) => string;
  /** How people see a state; by default as it is. */
  readonly show?: (state: S) => unknown;
  /** How people see an action; by default as it is. Also tells action instances apart. */
  readonly showAction?: (action: A) => string;
}

/** A model by its actions: `actions` lists what might happen in a state, `next` says where it leads, if it can happen. */
export interface ActionModel<S, A> extends ModelParts<S, A> {
  readonly actions: (state: S) => Iterable<A>;
  readonly next: (state: S, action: A) => S | undefined;
}

/** A model by its successors, for speed: calls `emit` for each enabled action, in an order that depends on the state only. */
export interface SuccessorModel<S, A> extends ModelParts<S, A> {
  readonly successors: (state: S, emit: (action: A, next: S) => void) => void;
}

/** Anything that can be explored. */
export type StateModel<S, A extends ActionValue = ActionValue> = ActionModel<S, A> | SuccessorModel<S, A>;

/** The successors of a state, however the model is written. */
export const successorsOf = <S, A extends ActionValue>(model: StateModel<S, A>): SuccessorModel<S, A>['successors'] => {
  if ('successors' in model) return model.successors;
  return (state, emit) => {
    for (const action of model.actions(state)) {
      const next = model.next(state, action);
      if (next !== undefined) emit(action, next);
    }
  };
};

/** A verdict as a check: a plain `false` has no evidence. */
export const checkOfVerdict = (code: string, name: string, verdict: Verdict): Check => {
  if (typeof verdict === 'boolean') return verdict ? holds : violated(code, name);
  return verdict;
};
