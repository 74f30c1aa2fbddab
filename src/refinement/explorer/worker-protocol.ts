/** What the coordinator of a parallel exploration and its workers tell each other: one reply to every command. */
import type { FoundAt } from './expander.js';
import { ExploreRefusal } from './exploration.js';
import type { FaultKind } from './fault.js';
import type { ActionValue, StateModel } from './model.js';
import type { TableMemory } from './state-table.js';
import type { Totals } from './totals.js';

/** How a thread gets the model: a function that the module `module` (a URL) exports as `name`, called with `args`. */
export interface ModelSource {
  readonly module: string;
  readonly name: string;
  readonly args: readonly (string | number | boolean)[];
}

/** Words of the control buffer: the next state of the level to take; requests to all workers to rest, or to end. */
export const controlWords = { cursor: 0, pause: 1, stop: 2, count: 3 } as const;

export interface WorkerData {
  readonly source: ModelSource;
  readonly symmetry: boolean;
  readonly memory: TableMemory;
  readonly control: Int32Array;
  /** Two numbers a worker, written now and then: generated and distinct. */
  readonly progress: Float64Array;
  readonly index: number;
}

/** A state that moves between workers, in its plain form. */
export interface MovedState {
  readonly id: number;
  readonly plain: unknown;
}

export type Command =
  /** Enter the initial states. */
  | { readonly tag: 'begin' }
  /** Explore the states `from` to `to`; states that are no numbers: those that this worker holds, after `advance` the next ones. */
  | { readonly tag: 'level'; readonly to: number; readonly advance: boolean }
  /** Go on with the level; the table has grown. */
  | { readonly tag: 'go'; readonly memory: TableMemory }
  /** Hand over `count` of the states for the next level. */
  | { readonly tag: 'give'; readonly count: number }
  | { readonly tag: 'take'; readonly states: readonly MovedState[]; readonly next: boolean };

/** Where a worker stands when it rests. */
export interface Rest {
  readonly why: 'done' | 'full' | 'paused' | 'stopped';
  /** All that this worker counted so far. */
  readonly totals: Totals;
  readonly exact: boolean;
  /** States explored in this level, and those that it holds for the next. */
  readonly explored: number;
  readonly held: number;
  readonly found: FoundAt | undefined;
  readonly fault: { readonly kind: FaultKind; readonly sentence: string; readonly at: number } | undefined;
}

export type Reply =
  | { readonly tag: 'rest'; readonly rest: Rest }
  | { readonly tag: 'given'; readonly states: readonly MovedState[] };

/** The model that `source` names; throws `ExploreRefusal` where there is none. */
export const loadModel = async ({ module, name, args }: ModelSource): Promise<StateModel<unknown, ActionValue>> => {
  const exports = (await import(module)) as Readonly<Record<string, unknown>>;
  const make = exports[name];
  if (typeof make !== 'function')
    throw new ExploreRefusal(`${module} exports no function "${name}" that makes a model.`);
  return (await make(...args)) as StateModel<unknown, ActionValue>;
};
