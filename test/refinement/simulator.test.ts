/** The simulator: equal seeds give equal runs, IronRSM holds under every fault, and a broken host is reported. */
import { describe, expect, it } from 'vitest';
import type { StepIo } from '../../src/network/step-io.js';
import { faultNames } from '../../src/refinement/simulation/faults.js';
import { type RunOptions, type RunResult, simulate } from '../../src/refinement/simulator.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Configuration } from '../../systems/ironrsm/configuration.js';
import { type ReplicaAction, ReplicaHost } from '../../systems/ironrsm/host.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';

type Io = StepIo<RsmMessage, ReplicaAction>;

const options = (seed: number, steps = 600): RunOptions => ({ seed, steps, faults: faultNames, nodes: undefined });

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

/** A run in which every replica is what `createHost` makes. */
const simulateWith = (
  createHost: (configuration: Configuration, me: EndPoint) => ReplicaHost,
  run: RunOptions,
): Promise<RunResult> =>
  simulate({ ...ironrsmSimulation, definition: { ...ironrsmSimulation.definition, createHost } }, run);

/** The first seed's run that finds something; throws where none does. */
const firstFound = async (createHost: (configuration: Configuration, me: EndPoint) => ReplicaHost) => {
  for (const seed of seeds) {
    const { found } = await simulateWith(createHost, options(seed));
    if (found !== undefined) return found;
  }
  throw new Error('no seed found anything');
};

/** A replica whose step IO is the given one's, but for some calls. */
const replicaOver = (change: (io: Io) => Partial<Io>) =>
  class extends ReplicaHost {
    override next(io: Io): void {
      super.next(
        Object.assign(
          {
            me: io.me,
            receiveAll: (countMax: number) => io.receiveAll(countMax),
            receive: () => io.receive(),
            clock: () => io.clock(),
            send: (target: EndPoint, message: RsmMessage) => io.send(target, message),
            broadcast: (targets: readonly EndPoint[], message: RsmMessage) => io.broadcast(targets, message),
            deliverToSelf: (message: RsmMessage) => io.deliverToSelf(message),
            record: (action: ReplicaAction) => io.record(action),
            touch: (component: string, key?: string | number) => io.touch(component, key),
          },
          change(io),
        ),
      );
    }
  };

const made =
  (Replica: new (configuration: Configuration, me: EndPoint) => ReplicaHost) =>
  (configuration: Configuration, me: EndPoint): ReplicaHost =>
    new Replica(configuration, me);

describe('a simulated run', () => {
  it('is the same again with the same seed, and another with another seed', async () => {
    const [one, again, other] = [
      await simulate(ironrsmSimulation, options(7)),
      await simulate(ironrsmSimulation, options(7)),
      await simulate(ironrsmSimulation, options(8)),
    ];
    expect(again).toEqual(one);
    expect(other.traceHash).not.toBe(one.traceHash);
  });

  it('differs where a fault is switched off', async () => {
    const all = await simulate(ironrsmSimulation, options(7));
    const none = await simulate(ironrsmSimulation, { ...options(7), faults: [] });
    expect(none.traceHash).not.toBe(all.traceHash);
    expect(Object.values(none.faultsFired).every((count) => count === 0)).toBe(true);
  });

  it('checks every step that it takes', async () => {
    const { steps, stepsChecked, livenessSteps, found } = await simulate(ironrsmSimulation, options(7));
    expect(found).toBeUndefined();
    expect(stepsChecked).toBe(steps);
    expect(steps - livenessSteps).toBe(600);
  });
});

describe('IronRSM under all faults', () => {
  const reached = new Map<string, number>();
  const fired = new Map<string, number>();

  it.each(seeds)('holds in 600 steps of seed %i', async (seed) => {
    const result = await simulate(ironrsmSimulation, options(seed));
    expect(result.found).toBeUndefined();
    for (const [goal, count] of Object.entries(result.reached)) reached.set(goal, (reached.get(goal) ?? 0) + count);
    for (const [fault, count] of Object.entries(result.faultsFired)) fired.set(fault, (fired.get(fault) ?? 0) + count);
  });

  it('met every fault, and executed requests across view changes and truncations', () => {
    for (const fault of faultNames) expect(fired.get(fault), fault).toBeGreaterThan(0);
    for (const goal of ['executed request', 'view change', 'truncation'])
      expect(reached.get(goal), goal).toBeGreaterThan(0);
  });
});

describe('a broken replica is stopped before anything of the step leaves', () => {
  it('when it sends a packet twice', async () => {
    const twice = replicaOver((io) => ({
      send: (target, message) => {
        io.send(target, message);
        if (message.tag === 'reply') io.send(target, message);
      },
    }));
    expect(await firstFound(made(twice))).toMatchObject({
      code: 'SENDS_MISMATCH',
      check: 'RC',
      stoppedBeforeRelease: true,
    });
  });

  it('when it keeps a vote to itself', async () => {
    const silent = replicaOver((io) => ({
      broadcast: (targets, message) => {
        if (message.tag !== '2b') io.broadcast(targets, message);
      },
    }));
    expect(await firstFound(made(silent))).toMatchObject({
      code: 'SENDS_MISMATCH',
      check: 'RC',
      stoppedBeforeRelease: true,
    });
  });

  it('when it changes its state without a word', async () => {
    class Forgetful extends ReplicaHost {
      override next(io: Io): void {
        super.next(io);
        this.executor.log.clear();
      }
    }
    const { code, check } = await firstFound(made(Forgetful));
    expect(['UNDECLARED_CHANGE', 'STATE_MISMATCH']).toContain(code);
    expect(check).toBe('RC');
  });

  it('when it sends before it reads the clock', async () => {
    const early = replicaOver((io) => ({
      clock: () => {
        io.send(io.me, { tag: 'statusRequest', nonce: 0 });
        return io.clock();
      },
    }));
    expect(await firstFound(made(early))).toMatchObject({ code: 'REDUCTION_OBLIGATION', check: 'RED' });
  });

  it('when it throws', async () => {
    class Fragile extends ReplicaHost {
      override next(io: Io): void {
        super.next(io);
        if (this.executor.opsComplete > 0) throw new Error('one is enough');
      }
    }
    const found = await firstFound(made(Fragile));
    expect(found).toMatchObject({ check: 'HOST', code: 'HOST_THREW', evidence: { message: 'one is enough' } });
    expect(found.trace.length).toBeGreaterThan(0);
  });

  it('when it throws at what a stranger sent: nobody else is to blame', async () => {
    const trusting = replicaOver((io) => ({
      receiveAll: (countMax) => {
        const packets = io.receiveAll(countMax);
        for (const { source } of packets) if (source === '10.66.6.6:6666') throw new Error('who is this?');
        return packets;
      },
    }));
    expect(await firstFound(made(trusting))).toMatchObject({ check: 'SEC', code: 'STRANGER_STOPPED_HOST' });
  });
});

describe('a replica that changes what it should and does not say so', () => {
  it('is compared at the entries that the protocol changed', async () => {
    const secretive = replicaOver((io) => ({
      touch: (component, key) => {
        if (component !== 'election.fresh') io.touch(component, key);
      },
    }));
    for (const seed of seeds.slice(0, 3)) {
      expect((await simulateWith(made(secretive), options(seed, 200))).found).toBeUndefined();
    }
  });
});
