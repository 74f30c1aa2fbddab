/** The models that `ironkeel explore` knows: part of the table of systems. Threads of an exploration load them from here. */
import type { ActionValue, InductionResult, StateModel } from '../refinement/explorer.js';

/** A whole number that a model takes, and what it means. */
export interface ModelNumber {
  readonly what: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** A model by its name. */
export interface ExplorationEntry {
  readonly size: ModelNumber;
  /** How far the model goes; none where it is finite by itself. */
  readonly bound: ModelNumber | undefined;
  readonly make: (size: number, bound: number) => Promise<StateModel<never, ActionValue>>;
  /** Judges whether its invariants are inductive, by default up to `bound`; none where that is not stated. */
  readonly induction?: {
    readonly bound: number;
    readonly judge: (size: number, bound: number) => Promise<InductionResult>;
  };
}

const entry = <S, A extends ActionValue>(
  parts: Omit<ExplorationEntry, 'make'> & { readonly make: (size: number, bound: number) => Promise<StateModel<S, A>> },
): ExplorationEntry => parts as unknown as ExplorationEntry;

/** By the name on the command line. */
export const explorations: Readonly<Record<string, ExplorationEntry>> = {
  lock: entry({
    size: { what: 'nodes on the ring', min: 2, max: 6, default: 3 },
    bound: { what: 'epochs', min: 2, max: 40, default: 6 },
    make: async (size, bound) => (await import('../../systems/lock/exploration.js')).lockExploration(size, bound),
    induction: {
      bound: 4,
      judge: async (size, bound) => (await import('../../systems/lock/induction.js')).lockInduction(size, bound),
    },
  }),
  ironkv: entry({
    size: { what: 'writes of the session', min: 1, max: 3, default: 1 },
    bound: undefined,
    make: async (size) => (await import('../../systems/ironkv/exploration.js')).ironkvExploration(size),
  }),
  'two-phase-commit': entry({
    size: { what: 'resource managers', min: 1, max: 12, default: 3 },
    bound: undefined,
    make: async (size) => (await import('../refinement/models/two-phase-commit.js')).twoPhaseCommit(size),
  }),
  paxos: entry({
    size: { what: 'acceptors', min: 1, max: 7, default: 3 },
    bound: { what: 'ballots', min: 1, max: 6, default: 2 },
    make: async (size, bound) => (await import('../refinement/models/paxos.js')).paxos(size, bound),
  }),
};

/** The model `name`; called by every thread of an exploration. */
export const modelNamed = async (
  name: string,
  size: number,
  bound: number,
): Promise<StateModel<never, ActionValue>> => {
  const known = explorations[name];
  if (known === undefined) throw new Error(`no model ${name}`);
  return known.make(size, bound);
};
