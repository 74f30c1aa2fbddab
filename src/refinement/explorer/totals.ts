/** What an exploration counts. */

/** How often an action was taken, and how many states it was the first to reach. */
export interface ActionCount {
  generated: number;
  distinct: number;
}

/** Counts of one thread, or of all together. Owned and changed by who counts. */
export interface Totals {
  /** Initial states and successors, those that were known already and steps that change nothing included. */
  generated: number;
  /** Different states within the bounds. */
  distinct: number;
  /** Different states beyond the bounds. */
  cut: number;
  /** States that no step changes. */
  ends: number;
  /** By action, still unnamed where it is a number or a text. */
  readonly actions: Map<string | number, ActionCount>;
  readonly classes: Map<string, number>;
  /** States in which each `sometimes` property holds. */
  readonly reached: Map<string, number>;
}

export const emptyTotals = (): Totals => ({
  generated: 0,
  distinct: 0,
  cut: 0,
  ends: 0,
  actions: new Map(),
  classes: new Map(),
  reached: new Map(),
});

const addCounts = (into: Map<string, number>, more: ReadonlyMap<string, number>): void => {
  for (const [name, count] of more) into.set(name, (into.get(name) ?? 0) + count);
};

/** Adds the counts of `more`; mutates `into`. */
export const addTotals = (into: Totals, more: Totals): void => {
  into.generated += more.generated;
  into.distinct += more.distinct;
  into.cut += more.cut;
  into.ends += more.ends;
  addCounts(into.classes, more.classes);
  addCounts(into.reached, more.reached);
  for (const [name, { generated, distinct }] of more.actions) {
    const row = into.actions.get(name);
    if (row === undefined) into.actions.set(name, { generated, distinct });
    else {
      row.generated += generated;
      row.distinct += distinct;
    }
  }
};
