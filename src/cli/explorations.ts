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
  /** Operations of a log, or sessions; none where the model has none. */
  readonly operations?: ModelNumber;
  readonly make: (size: number, bound: number, operations: number) => Promise<StateModel<never, ActionValue>>;
  /** Small clusters of the system's real host code: `--hosts`. */
  readonly hosts?: {
    readonly size: ModelNumber;
    readonly bound: ModelNumber;
    readonly make: (size: number, bound: number) => Promise<StateModel<never, ActionValue>>;
  };
  /** Judges whether its invariants are inductive, by default up to `bound`; none where that is not stated. */
  readonly induction?: {
    readonly bound: number;
    readonly judge: (size: number, bound: number) => Promise<InductionResult>;
  };
}

type Hosts = NonNullable<ExplorationEntry['hosts']>;

const hosts = <S, A extends ActionValue>(
  parts: Omit<Hosts, 'make'> & { readonly make: (size: number, bound: number) => Promise<StateModel<S, A>> },
): Hosts => parts as unknown as Hosts;

const entry = <S, A extends ActionValue>(
  parts: Omit<ExplorationEntry, 'make'> & {
    readonly make: (size: number, bound: number, operations: number) => Promise<StateModel<S, A>>;
  },
): ExplorationEntry => parts as unknown as ExplorationEntry;

/** By the name on the command line. */
export const explorations: Readonly<Record<string, ExplorationEntry>> = {
  lock: entry({
    size: { what: 'nodes on the ring', min: 2, max: 6, default: 3 },
    bound: { what: 'epochs', min: 2, max: 40, default: 6 },
    make: async (size, bound) => (await import('../../systems/lock/exploration.js')).lockExploration(size, bound),
    hosts: hosts({
      size: { what: 'nodes on the ring', min: 2, max: 5, default: 3 },
      bound: { what: 'epochs', min: 2, max: 20, default: 7 },
      make: async (size, bound) => (await import('../../systems/lock/host-exploration.js')).lockHosts(size, bound),
    }),
    induction: {
      bound: 4,
      judge: async (size, bound) => (await import('../../systems/lock/induction.js')).lockInduction(size, bound),
    },
  }),
  ironkv: entry({
    size: { what: 'writes of the session', min: 1, max: 3, default: 1 },
    bound: { what: 'orders that are to be refused', min: 0, max: 4, default: 0 },
    make: async (size, bound) => (await import('../../systems/ironkv/exploration.js')).ironkvExploration(size, bound),
    hosts: hosts({
      size: { what: 'writes of the session', min: 1, max: 3, default: 1 },
      bound: { what: 'steps of a host', min: 1, max: 12, default: 7 },
      make: async (size, bound) => (await import('../../systems/ironkv/host-exploration.js')).ironkvHosts(size, bound),
    }),
    induction: {
      bound: 1,
      judge: async (size, bound) => (await import('../../systems/ironkv/induction.js')).ironkvInduction(size, bound),
    },
  }),
  'ironkv-sessions': entry({
    size: { what: 'ordered requests of a session', min: 1, max: 3, default: 2 },
    bound: { what: 'moves of a range', min: 0, max: 2, default: 1 },
    operations: { what: 'sessions, of which the second writes once', min: 1, max: 2, default: 1 },
    make: async (size, bound, sessions) =>
      (await import('../../systems/ironkv/session-exploration.js')).ironkvSessions(size, bound, sessions),
  }),
  ironrsm: entry({
    size: { what: 'acceptors', min: 3, max: 5, default: 3 },
    bound: { what: 'ballots', min: 1, max: 4, default: 2 },
    operations: { what: 'operations', min: 1, max: 2, default: 2 },
    make: async (acceptors, ballots, operations) =>
      (await import('../../systems/ironrsm/bounded.js')).boundedIronrsm({ acceptors, ballots, operations }),
    hosts: hosts({
      size: { what: 'replicas', min: 1, max: 3, default: 3 },
      bound: { what: 'steps of a replica', min: 1, max: 30, default: 4 },
      make: async (size, bound) =>
        (await import('../../systems/ironrsm/host-exploration.js')).ironrsmHosts(size, bound),
    }),
    induction: {
      bound: 2,
      judge: async (size, bound) => (await import('../../systems/ironrsm/induction.js')).acceptorInduction(size, bound),
    },
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
  sessions: entry({
    size: { what: 'sessions', min: 1, max: 3, default: 2 },
    bound: { what: 'seqnos of a session', min: 1, max: 5, default: 2 },
    make: async (size, bound) => (await import('../../systems/ironrsm/exploration.js')).sessionsModel(size, bound),
  }),
};

/** `model` with only those properties whose names contain `property`. */
const judging = (model: StateModel<never, ActionValue>, property: string): StateModel<never, ActionValue> => {
  if (property === '') return model;
  return { ...model, properties: model.properties.filter(({ name }) => name.includes(property)) };
};

/** Which model is explored. */
export interface ModelRequest {
  readonly size: number;
  readonly bound: number;
  readonly operations: number;
  /** Host code instead of the protocol. */
  readonly hosts: boolean;
  /** Only properties whose names contain this text are judged; all for an empty one. */
  readonly property: string;
}

/** The model `name`; every thread of an exploration calls it, with a request in JSON. */
export const modelNamed = async (name: string, request: string): Promise<StateModel<never, ActionValue>> => {
  const known = explorations[name];
  if (known === undefined) throw new Error(`no model ${name}`);
  const { size, bound, operations, hosts: ofHosts, property } = JSON.parse(request) as ModelRequest;
  const hosted = ofHosts ? known.hosts?.make(size, bound) : undefined;
  return judging(await (hosted ?? known.make(size, bound, operations)), property);
};
