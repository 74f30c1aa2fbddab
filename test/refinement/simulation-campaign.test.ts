/** Campaigns: their seeds, sums, shards and canaries. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardFlag } from '../../src/cli/simulation/flags.js';
import {
  type CampaignOptions,
  CampaignSums,
  campaign,
  SilentCanaries,
  type Simulation,
  seedsOf,
  simulationOf,
} from '../../src/refinement/campaign.js';
import type { HistoryVerdict } from '../../src/refinement/linearizability.js';
import { silentCanaries } from '../../src/refinement/simulation/canary.js';
import { faultNames } from '../../src/refinement/simulation/faults.js';
import { type RunResult, simulate } from '../../src/refinement/simulator.js';
import { holds } from '../../src/spec/check.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';
import { lockSimulation } from '../../systems/lock/simulation.js';

const lock = simulationOf(lockSimulation);

const options = (more: Partial<CampaignOptions> = {}): CampaignOptions => ({
  seed: 1,
  runs: 6,
  steps: 150,
  faults: faultNames,
  nodes: undefined,
  ...more,
});

const resultOf = async (seed: number): Promise<RunResult> => lock.run({ ...options(), seed });

/** A simulation whose runs with `seeds` violate something. */
const violatingAt = (seeds: readonly number[], code = 'INVARIANT', check = 'INV'): Simulation => ({
  ...lock,
  run: async (run) => {
    const result = await lock.run(run);
    if (!seeds.includes(run.seed)) return result;
    const found = { code, check, rule: 'a rule', evidence: {}, seed: run.seed, node: 'cluster', step: 1, timeMs: 0 };
    return { ...result, found: { ...found, stoppedBeforeRelease: undefined, trace: [] } };
  },
});

describe('shards', () => {
  it('have no seed in common, and together all of them', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (seed, runs, count) => {
          const shards = Array.from({ length: count }, (_, index) =>
            seedsOf(options({ seed, runs, shard: { index, count } })),
          );
          expect(shards.flat().sort((a, b) => a - b)).toEqual(seedsOf(options({ seed, runs })));
        },
      ),
    );
  });

  it('are counted from 0 or from 1', () => {
    expect(shardFlag('0/3')).toEqual({ index: 0, count: 3 });
    expect(shardFlag('3/3')).toEqual({ index: 0, count: 3 });
    expect(shardFlag('1/3')).toEqual({ index: 1, count: 3 });
    for (const text of ['4/3', '1/0', 'x/2', '1', '1/2/3']) expect(() => shardFlag(text)).toThrow('--shard takes');
  });

  it('add up to the whole campaign', async () => {
    const whole = await campaign(lock, options());
    const parts = [
      await campaign(lock, options({ shard: { index: 0, count: 2 } })),
      await campaign(lock, options({ shard: { index: 1, count: 2 } })),
    ];
    for (const sum of ['runs', 'steps', 'stepsChecked', 'simulatedMs'] as const)
      expect(parts.reduce((total, part) => total + part[sum], 0)).toBe(whole[sum]);
  });
});

describe('the sums of a campaign', () => {
  it('do not depend on which run ends first', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(resultOf));
    const sumIn = (order: readonly number[]) => {
      const sums = new CampaignSums(4);
      for (const place of order) sums.add(place, { result: results[place] as RunResult, same: undefined });
      return sums.result();
    };
    expect(sumIn([3, 1, 0, 2])).toEqual(sumIn([0, 1, 2, 3]));
  });

  it('end with the violation of the lowest seed, whenever that is found', async () => {
    const violating = violatingAt([2, 4]);
    const results = await Promise.all([1, 2, 3, 4].map((seed) => violating.run({ ...options(), seed })));
    const sums = new CampaignSums(4);
    for (const place of [3, 2, 1]) sums.add(place, { result: results[place] as RunResult, same: undefined });
    expect(sums.complete).toBe(false);
    sums.add(0, { result: results[0] as RunResult, same: undefined });
    expect(sums.complete).toBe(true);
    expect(sums.result()).toMatchObject({ runs: 2, found: [{ seed: 2 }] });
  });

  it('are incomplete while a run is missing', async () => {
    const sums = new CampaignSums(2);
    sums.add(1, { result: await resultOf(2), same: undefined });
    expect(sums.result()).toMatchObject({ runs: 0, complete: false });
  });
});

describe('a campaign', () => {
  it('stops at its first violation', async () => {
    expect(await campaign(violatingAt([3]), options())).toMatchObject({
      runs: 3,
      found: [{ seed: 3 }],
      complete: true,
    });
  });

  it('is incomplete when it runs out of time', async () => {
    expect(await campaign(lock, options({ runs: 100_000, timeLimitMs: 300 }))).toMatchObject({
      complete: false,
      found: [],
    });
  });

  it('finds out that a run is not deterministic', async () => {
    let runs = 0;
    const wavering: Simulation = {
      ...lock,
      run: (run) => lock.run({ ...run, steps: run.steps + (runs++ === 3 ? 1 : 0) }),
    };
    const { differing } = await campaign(wavering, options({ runs: 3, twice: true }));
    expect(differing).toEqual([2]);
    expect((await campaign(lock, options({ runs: 3, twice: true }))).differing).toEqual([]);
  });

  it('says which seed it was that did not end', async () => {
    const failing: Simulation = { ...lock, run: () => Promise.reject(new Error('a check threw')) };
    await expect(campaign(failing, options({ seed: 77 }))).rejects.toThrow('seed 77');
  });
});

describe('canaries', () => {
  it('are reported by the checks of the lock and of IronRSM', async () => {
    expect(await lock.silentCanaries()).toEqual([]);
    expect(await simulationOf(ironrsmSimulation).silentCanaries()).toEqual([]);
  });

  it('are missed where no step is held against the spec, and the campaign fails', async () => {
    const trusting = simulationOf({
      ...lockSimulation,
      model: (constants) => {
        const model = lockSimulation.model(constants);
        const service = { ...model.refinement.service, justifies: () => holds };
        return { ...model, refinement: { service, steps: () => [], abstract: () => service.init } };
      },
    });
    const silent = await trusting.silentCanaries();
    expect(silent.some((sentence) => sentence.startsWith('a service that takes no step was planted'))).toBe(true);
    await expect(campaign(trusting, options())).rejects.toThrow(SilentCanaries);
  });

  it('are missed by a check of linearizability that always says yes', async () => {
    const yes: HistoryVerdict = { answer: 'linearizable' };
    const agreeing = simulationOf({
      ...ironrsmSimulation,
      draw: (random, draw) => {
        const cluster = ironrsmSimulation.draw(random, draw);
        const deaf = { strangerSent: () => undefined, spoil: () => undefined, judge: () => yes };
        return { ...cluster, history: deaf };
      },
    });
    expect(await agreeing.silentCanaries()).toEqual([
      'a history that is not linearizable was planted, and the checks reported nothing.',
    ]);
    await expect(campaign(agreeing, options())).rejects.toThrow(SilentCanaries);
  });

  it('are missed where no run is asked for progress', async () => {
    const patient = async (...run: Parameters<typeof simulate>): Promise<RunResult> => {
      const result = await simulate(...run);
      return result.found?.code === 'NO_PROGRESS' ? { ...result, found: undefined } : result;
    };
    expect(await silentCanaries(lockSimulation, patient as typeof simulate)).toEqual([
      'a goal that is never reached was planted, and the checks reported nothing.',
    ]);
  });
});
