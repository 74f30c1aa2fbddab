/**
 * Temporal formulas over finite behaviors, after the temporal logic of actions as IronFleet uses it (SOSP 2015,
 * section 4.4). On a finite behavior `eventually` is read as "by its end".
 */

/** Judges the suffix of `behavior` that starts at `index`. */
export type Formula<S> = (behavior: readonly S[], index: number) => boolean;

/** Lifts a predicate on states. */
export const now =
  <S>(predicate: (state: S) => boolean): Formula<S> =>
  (behavior, index) => {
    const state = behavior[index];
    return state !== undefined && predicate(state);
  };

/** `f` holds at every index from here on. */
export const always =
  <S>(f: Formula<S>): Formula<S> =>
  (behavior, index) => {
    for (let i = index; i < behavior.length; i++) if (!f(behavior, i)) return false;
    return true;
  };

/** `f` holds at some index from here on. */
export const eventually =
  <S>(f: Formula<S>): Formula<S> =>
  (behavior, index) => {
    for (let i = index; i < behavior.length; i++) if (f(behavior, i)) return true;
    return false;
  };

/** Wherever `premise` holds, `goal` holds then or later. */
export const leadsTo = <S>(premise: Formula<S>, goal: Formula<S>): Formula<S> => {
  const after = eventually(goal);
  return always((behavior, i) => !premise(behavior, i) || after(behavior, i));
};
