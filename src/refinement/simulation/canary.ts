/**
 * Canaries: a system that is changed so that a check must report it, one change for each check. A campaign whose canaries are
 * not reported shows nothing: its checks do not look (Fonseca et al., EuroSys 2017: checkers that "passed" when they were broken).
 */
import type { Host } from '../../host/host.js';
import type { StepIo } from '../../network/step-io.js';
import { holds, violated } from '../../spec/check.js';
import { endPoint } from '../../spec/endpoint.js';
import { E, O } from '../../spec/prelude.js';
import type { ClusterModel, Tagged } from '../cluster.js';
import { type Call, HistoryRecorder, type HistoryVerdict, judgeRecorded, type Result } from '../linearizability.js';
import { reductionObligation } from '../obligation.js';
import type { RunOptions, RunResult } from './run-result.js';
import type { ClientHistory, SimulatedSystem } from './simulated-system.js';

/** Runs a changed system. */
type Simulate<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep> = (
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  options: RunOptions,
) => Promise<RunResult>;

/** No faults: a canary shows that a check reports, not that it finds. */
const options: RunOptions = { seed: 1, steps: 200, faults: [], nodes: undefined };

/** Clusters in which a canary is looked for. */
const seedsMax = 16;

/** Runs every canary; one sentence for each that was not reported. */
export const silentCanaries = async <
  C,
  H extends Host<M, W>,
  S,
  M extends Tagged,
  Step extends Tagged,
  W,
  G,
  Spec,
  SpecStep,
>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  simulate: Simulate<C, H, S, M, Step, W, G, Spec, SpecStep>,
): Promise<readonly string[]> => {
  const silent: string[] = [];
  if (E.isRight(sendBeforeReceive())) silent.push('a send before a receive was planted, and the obligation holds.');
  // Where the system itself is broken, as with a planted bug, that may be reported before the canary.
  const unchanged = await simulate(system, options);
  for (const { planted, codes, changed } of canaries(system)) {
    const reported: string[] = [];
    // What a canary needs may not happen in the first cluster drawn.
    for (let seed = options.seed; seed < options.seed + seedsMax && !codes.some((c) => reported.includes(c)); seed++) {
      const { found } = await simulate(changed, { ...options, seed });
      if (found !== undefined) reported.push(found.code);
    }
    const explained = reported.length > 0 && unchanged.found !== undefined;
    if (!explained && !codes.some((code) => reported.includes(code)))
      silent.push(`${planted} was planted, and the checks reported ${reported[0] ?? 'nothing'}.`);
  }
  return silent;
};

const sendBeforeReceive = () => {
  const [source, target] = [endPoint('10.0.0.1:1'), endPoint('10.0.0.2:1')];
  const bytes = new Uint8Array();
  return reductionObligation([
    { tag: 'send', target, bytes },
    { tag: 'receive', source, bytes },
  ]);
};

interface Canary<System> {
  readonly planted: string;
  /** The codes of which one must be reported. */
  readonly codes: readonly string[];
  readonly changed: System;
}

const canaries = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
): readonly Canary<typeof system>[] => [
  ...hostCanaries(system),
  ...modelCanaries(system),
  {
    planted: 'a history that is not linearizable',
    codes: ['NOT_LINEARIZABLE'],
    changed: {
      ...system,
      draw: (random, drawOptions) => {
        const cluster = system.draw(random, drawOptions);
        return { ...cluster, history: spoiled(cluster.history ?? new RegisterHistory()) };
      },
    },
  },
  {
    planted: 'a goal that is never reached',
    codes: ['NO_PROGRESS'],
    changed: {
      ...system,
      draw: (random, drawOptions) => ({
        ...system.draw(random, drawOptions),
        progress: () => ({ withinSteps: 10, withinMs: 1_000, reached: () => false, waitingFor: () => ['a canary'] }),
      }),
    },
  },
];

/** What the clients of a run recorded, and more that no order explains: the judge is the one that judges the runs. */
const spoiled = <M, S>(history: ClientHistory<M, S>): ClientHistory<M, S> => ({
  strangerSent: (packet) => history.strangerSent(packet),
  handled: (change) => history.handled?.(change),
  spoil: () => history.spoil(),
  judge: () => {
    history.spoil();
    return history.judge();
  },
});

/** The history of a register that nobody used, for systems whose clients record none. */
class RegisterHistory<M> implements ClientHistory<M> {
  readonly #recorder = new HistoryRecorder<Call, Result>(() => 0);

  strangerSent(): void {
    // Strangers do not use it either.
  }

  /** One client writes, and then reads that nothing was written. */
  spoil(): void {
    this.#told({ op: 'write', args: [1] });
    this.#told({ op: 'read', args: [] });
  }

  judge(): HistoryVerdict {
    return judgeRecorded('register', this.#recorder);
  }

  #told(call: Call): void {
    this.#recorder.returned(this.#recorder.call('canary', call), null);
  }
}

const hostCanaries = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
): readonly Canary<typeof system>[] => {
  const withIo = (change: (io: StepIo<M, W>) => StepIo<M, W>): typeof system => ({
    ...system,
    definition: {
      ...system.definition,
      createHost: (constants, me) => steppingOver(system.definition.createHost(constants, me), change),
    },
  });
  return [
    { planted: 'a host that loses what it sends', codes: ['SENDS_MISMATCH'], changed: withIo(losingSends) },
    {
      planted: 'a host that acts and records nothing',
      codes: ['STATE_MISMATCH', 'UNDECLARED_CHANGE'],
      changed: withIo(silentUnlessAsked),
    },
    {
      planted: 'a host that receives after it sent',
      codes: ['REDUCTION_OBLIGATION'],
      changed: withIo((io) => {
        const send: typeof io.send = (target, message) => {
          io.send(target, message);
          io.receive();
        };
        const broadcast: typeof io.broadcast = (targets, message) => {
          for (const target of targets) send(target, message);
        };
        return { ...delegating(io), send, broadcast };
      }),
    },
  ];
};

const modelCanaries = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
): readonly Canary<typeof system>[] => {
  type Model = ClusterModel<S, M, G, Spec, SpecStep>;
  const withModel = (change: (model: Model) => Partial<Model>): typeof system => ({
    ...system,
    model: (constants) => {
      const model = system.model(constants);
      return { ...model, ...change(model) };
    },
  });
  const refining = (change: (refinement: Model['refinement']) => Partial<Model['refinement']>): typeof system =>
    withModel(({ refinement }) => ({ refinement: { ...refinement, ...change(refinement) } }));
  const invariant = { name: 'a canary', source: 'this file', check: () => holds, checkChange: () => holds };
  const broken = () => violated('INVARIANT', 'a canary');
  return [
    {
      planted: 'an invariant that a step breaks',
      codes: ['INVARIANT'],
      changed: withModel((model) => {
        let changes = 0;
        const checkChange = () => (++changes < 20 ? holds : broken());
        return { invariants: [...model.invariants, { ...invariant, checkChange }] };
      }),
    },
    {
      planted: 'an invariant that fails from scratch',
      codes: ['INVARIANT'],
      changed: withModel((model) => ({ invariants: [...model.invariants, { ...invariant, check: broken }] })),
    },
    {
      planted: 'a service that takes no step',
      codes: ['SPEC_STEP_REFUSED'],
      changed: refining(({ service }) => ({ service: { ...service, next: () => O.none } })),
    },
    {
      planted: 'a service that justifies no packet',
      codes: ['REPLY_UNJUSTIFIED'],
      changed: refining(({ service }) => ({
        service: { ...service, justifies: () => violated('REPLY_UNJUSTIFIED', 'a canary') },
      })),
    },
  ];
};

/** The host itself, whose steps get another IO. Its state is where the abstraction function looks for it. */
const steppingOver = <H extends Host<M, W>, M, W>(host: H, change: (io: StepIo<M, W>) => StepIo<M, W>): H => {
  const next = host.next.bind(host);
  return Object.defineProperty(host, 'next', { value: (io: StepIo<M, W>) => next(change(io)) });
};

const delegating = <M, W>(io: StepIo<M, W>): StepIo<M, W> => ({
  me: io.me,
  receiveAll: (countMax) => io.receiveAll(countMax),
  receive: () => io.receive(),
  clock: () => io.clock(),
  send: (target, message) => io.send(target, message),
  broadcast: (targets, message) => io.broadcast(targets, message),
  deliverToSelf: (message) => io.deliverToSelf(message),
  record: (action) => io.record(action),
  touch: (component, key) => io.touch(component, key),
});

const losingSends = <M, W>(io: StepIo<M, W>): StepIo<M, W> => ({
  ...delegating(io),
  send: () => undefined,
  broadcast: () => undefined,
});

/** A step in which no packet came shows nothing but the state that it left. */
const silentUnlessAsked = <M, W>(io: StepIo<M, W>): StepIo<M, W> => {
  const plain = delegating(io);
  let asked = false;
  let toSelf = 0;
  return {
    ...plain,
    receiveAll: (countMax) => {
      const packets = io.receiveAll(countMax);
      asked ||= packets.length > 0;
      return packets;
    },
    receive: () => {
      const packet = io.receive();
      asked ||= packet !== undefined;
      return packet;
    },
    send: (target, message) => (asked ? plain.send(target, message) : undefined),
    broadcast: (targets, message) => (asked ? plain.broadcast(targets, message) : undefined),
    deliverToSelf: (message) => (asked ? plain.deliverToSelf(message) : toSelf++),
    record: (action) => (asked ? plain.record(action) : undefined),
  };
};
