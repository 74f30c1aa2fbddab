/** Simulated systems with a bug in their hosts alone, for the tests of what happens after a violation. */
import type { StepIo } from '../../src/network/step-io.js';
import { counterexamplesOf, type Made, type MakeOptions } from '../../src/refinement/schedule/counterexamples.js';
import { type FaultName, faultNames } from '../../src/refinement/simulation/faults.js';
import type { RunOptions, simulate } from '../../src/refinement/simulator.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { plainIronrsm } from '../../systems/ironrsm/counterexamples.js';
import { type ReplicaAction, ReplicaHost } from '../../systems/ironrsm/host.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';
import { plainLock } from '../../systems/lock/counterexamples.js';
import { LockHost } from '../../systems/lock/host.js';
import { lockSimulation } from '../../systems/lock/simulation.js';

export const run = (seed: number, steps = 300, faults: readonly FaultName[] = faultNames): RunOptions => ({
  seed,
  steps,
  faults,
  nodes: undefined,
});

/** Bounds of a search in tests: by work alone, so that no clock decides. */
export const limits = { stepsMax: 200_000, msMax: Number.POSITIVE_INFINITY, nowMs: () => 0 };

export const shrunkFully: MakeOptions = { plant: undefined, shrink: limits };
export const unshrunk: MakeOptions = { plant: undefined, shrink: undefined };

const lockWith = (createHost: typeof lockSimulation.definition.createHost): typeof lockSimulation => ({
  ...lockSimulation,
  definition: { ...lockSimulation.definition, createHost },
});

/** A node that holds the lock for too long from epoch 7 on. */
class GreedyNode extends LockHost {
  override next(io: Parameters<LockHost['next']>[0]): void {
    const before = this.epoch;
    super.next(io);
    if (this.epoch > before && this.epoch >= 7) this.dueMs += 1;
  }
}

export const greedyLock = lockWith((configuration, me) => new GreedyNode(configuration, me));

/** Nodes that throw at every third question, whoever asks. */
class AngryNode extends LockHost {
  #questions = 0;

  override next(io: Parameters<LockHost['next']>[0]): void {
    const receiveAll = (max: number) => {
      const packets = io.receiveAll(max);
      for (const { message } of packets) {
        if (message.tag === 'statusRequest' && ++this.#questions === 3) throw new Error('asked 3 times');
      }
      return packets;
    };
    super.next({ ...delegating(io), receiveAll });
  }
}

export const angryLock = lockWith((configuration, me) => new AngryNode(configuration, me));

/** Greedy nodes that count their steps together, and now and then do not listen: a step depends on more than it is given. */
export const secretiveLock = (): typeof lockSimulation => {
  let steps = 0;
  class SecretiveNode extends GreedyNode {
    override next(io: Parameters<LockHost['next']>[0]): void {
      const deaf = ++steps % 5 === 0;
      super.next({ ...delegating(io), receiveAll: (max) => io.receiveAll(deaf ? 0 : max) });
    }
  }
  return lockWith((configuration, me) => new SecretiveNode(configuration, me));
};

const delegating = <M, W>(io: StepIo<M, W>): StepIo<M, W> => ({
  me: io.me,
  receiveAll: (max) => io.receiveAll(max),
  receive: () => io.receive(),
  clock: () => io.clock(),
  send: (target, message) => io.send(target, message),
  broadcast: (targets, message) => io.broadcast(targets, message),
  deliverToSelf: (message) => io.deliverToSelf(message),
  record: (action) => io.record(action),
  touch: (component, key) => io.touch(component, key),
});

/** A replica that answers its clients twice from the third answer on. */
class ChattyReplica extends ReplicaHost {
  #replies = 0;

  override next(io: StepIo<RsmMessage, ReplicaAction>): void {
    const send = (target: EndPoint, message: RsmMessage): void => {
      io.send(target, message);
      if (message.tag === 'reply' && ++this.#replies >= 3) io.send(target, message);
    };
    super.next({ ...delegating(io), send });
  }
}

export const chattyRsm: typeof ironrsmSimulation = {
  ...ironrsmSimulation,
  definition: { ...ironrsmSimulation.definition, createHost: (c, me) => new ChattyReplica(c, me) },
};

export const lockCounterexamples = counterexamplesOf(greedyLock, plainLock);
export const rsmCounterexamples = counterexamplesOf(chattyRsm, plainIronrsm);

/** What was made; throws with the reason where nothing was. */
export const made = (result: E.Either<string, Made>): Made => {
  if (E.isLeft(result)) throw new Error(result.left);
  return result.right;
};

/** The first seed with a violation. */
export const firstSeed = async (simulation: (options: RunOptions) => ReturnType<typeof simulate>): Promise<number> => {
  for (let seed = 1; seed <= 30; seed++) if ((await simulation(run(seed))).found !== undefined) return seed;
  throw new Error('no seed found anything');
};
