/** Schedules: a recorded run runs again without a random source, and a counterexample's file says when it does not. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Counterexample,
  readCounterexample,
  writeCounterexample,
} from '../../src/refinement/schedule/counterexample.js';
import { counterexamplesOf } from '../../src/refinement/schedule/counterexamples.js';
import { Recorder } from '../../src/refinement/schedule/recorder.js';
import { execute } from '../../src/refinement/schedule/scheduled-run.js';
import { simulate } from '../../src/refinement/simulator.js';
import { E } from '../../src/spec/prelude.js';
import type { Configuration } from '../../systems/ironrsm/configuration.js';
import { plainIronrsm } from '../../systems/ironrsm/counterexamples.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';
import type { LockConfiguration } from '../../systems/lock/configuration.js';
import { plainLock } from '../../systems/lock/counterexamples.js';
import { lockSimulation } from '../../systems/lock/simulation.js';
import {
  angryLock,
  firstSeed,
  greedyLock,
  lockCounterexamples,
  made,
  rsmCounterexamples,
  run,
  secretiveLock,
  shrunkFully,
  unshrunk,
} from './broken-systems.js';

const seeds = fc.nat({ max: 2 ** 31 });

describe('a schedule', () => {
  it('of a run of IronRSM under all faults leads to the same trace, and watching changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const recorder = new Recorder<Configuration>();
        const watched = await simulate(recorder.watch(ironrsmSimulation), run(seed));
        expect(watched.traceHash).toBe((await simulate(ironrsmSimulation, run(seed))).traceHash);
        const again = execute(ironrsmSimulation, recorder.cluster, recorder.schedule);
        expect(again.traceHash).toBe(recorder.traceHash);
        expect(again.happened.length).toBe(watched.steps);
        expect(again.found).toBeUndefined();
      }),
      { numRuns: 12 },
    );
  });

  it('of a run of the lock leads to the same trace, also where a host is refused', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const recorder = new Recorder<LockConfiguration>();
        const { found } = await simulate(recorder.watch(greedyLock), run(seed));
        const again = execute(greedyLock, recorder.cluster, recorder.schedule);
        expect(again.traceHash).toBe(recorder.traceHash);
        expect(again.found?.code).toBe(found?.code);
      }),
      { numRuns: 20 },
    );
  });

  it('of a run that ends in an exception leads to it again, as the doing of whoever sent the packet', async () => {
    const seed = await firstSeed((options) => simulate(angryLock, options));
    const recorder = new Recorder<LockConfiguration>();
    const { found } = await simulate(recorder.watch(angryLock), run(seed));
    const again = execute(angryLock, recorder.cluster, recorder.schedule);
    expect(found?.code).toBe('STRANGER_STOPPED_HOST');
    expect(again.found).toMatchObject({ code: 'STRANGER_STOPPED_HOST', check: 'SEC', stoppedBeforeRelease: true });
    expect(again.traceHash).toBe(recorder.traceHash);
  });

  it('does not receive what no host sent, nor step hosts that are not there', async () => {
    const recorder = new Recorder<LockConfiguration>();
    await simulate(recorder.watch(lockSimulation), run(5, 60, []));
    const first = recorder.schedule.find((step) => step.receives.length > 0);
    if (first === undefined) throw new Error('nothing was received');
    const alone = execute(lockSimulation, recorder.cluster, [
      first,
      { ...first, node: first.receives[0]?.source ?? first.node },
    ]);
    expect(alone.happened[0]?.receives).toEqual([]);
    const nowhere = execute(lockSimulation, { ...recorder.cluster, hosts: [] }, [first]);
    expect(nowhere.happened).toEqual([]);
  });
});

describe('a counterexample', () => {
  let file: Counterexample;
  let text: string;
  beforeAll(async () => {
    const seed = await firstSeed((options) => simulate(greedyLock, options));
    file = made(await lockCounterexamples.make(run(seed), shrunkFully)).counterexample;
    text = writeCounterexample(file);
  });

  const read = (changed: string) => readCounterexample(JSON.parse(changed));

  it('is read as it was written, and runs again to the same hash and the same violation', async () => {
    expect(read(text)).toEqual(E.right(file));
    const replayed = await lockCounterexamples.replay(file);
    expect(replayed).toMatchObject(E.right({ same: true, partedAt: undefined, traceHash: file.traceHash }));
  });

  it('is the same for the same seed', async () => {
    const again = made(await lockCounterexamples.make(run(file.run.seed), shrunkFully));
    expect(again.counterexample).toEqual(file);
  });

  it('of correct code says that it does not show any more', async () => {
    const fixed = counterexamplesOf(lockSimulation, plainLock);
    expect(await fixed.replay(file)).toMatchObject(E.right({ same: false, found: undefined, partedAt: undefined }));
    expect(await fixed.make(run(file.run.seed), unshrunk)).toEqual(
      E.left(`seed ${file.run.seed} shows no violation when it is run again`),
    );
  });

  it('of a host whose step is not deterministic is noticed, when it is made and when it is run again', async () => {
    const secretive = counterexamplesOf(secretiveLock(), plainLock);
    const unstable = made(await secretive.make(run(file.run.seed), unshrunk));
    expect(unstable.deterministic).toBe(false);
    const replayed = await secretive.replay(file);
    expect(E.isRight(replayed) && replayed.right.partedAt).toBeGreaterThan(0);
  });

  it.each([
    ['another format', (t: string) => t.replace('ironkeel-counterexample', 'itf'), /not of the format/],
    [
      'another version',
      (t: string) => t.replace('"version": 2', '"version": 1'),
      /version 1, and this program reads 2/,
    ],
    ['a field that is missing', (t: string) => t.replace('"schedule"', '"steps"'), /damaged/],
    [
      'a number that was changed',
      (t: string) => t.replace(/"seed":\d+/, '"seed":99999'),
      /was changed after it was written/,
    ],
    [
      'a message that was changed',
      (t: string) => t.replace(/"epoch":\d+/, '"epoch":77'),
      /was changed after it was written/,
    ],
    ['hosts that nobody can count', (t: string) => t.replace('"nodes":null', '"nodes":0'), /damaged.*run/],
    ['less than no requests', (t: string) => t.replace('"requests":null', '"requests":-1'), /damaged.*run/],
    ['a digest that was changed', (t: string) => t.replace(/"digest": "../, '"digest": "zz'), /was changed/],
  ])('with %s is refused in one sentence', (_, damage, sentence) => {
    const damaged = damage(text);
    expect(damaged).not.toBe(text);
    const result = read(damaged);
    expect(E.isLeft(result) && result.left).toMatch(sentence);
    expect(E.isLeft(result) && result.left).not.toContain('\n');
  });

  it('cut at any place is refused', () => {
    for (let length = 0; length < text.length - 2; length += 7) {
      const refused = (() => {
        try {
          return E.isLeft(read(text.slice(0, length)));
        } catch (error) {
          return error instanceof SyntaxError;
        }
      })();
      expect(refused, `${length} characters`).toBe(true);
    }
  });

  it('of another system is refused', async () => {
    const foreign = await rsmCounterexamples.replay(file);
    expect(E.isLeft(foreign) && foreign.left).toMatch(/the cluster in the file is not valid/);
    const cluster = plainIronrsm.describe((await drawnRsm()).constants);
    const nodes = cluster.nodes.map(({ id, address }) => ({ id, address: String(address) }));
    const mixed = { ...file, cluster: { nodes, application: 'kv', parameters: { ...cluster.parameters } } };
    const refused = await rsmCounterexamples.replay(mixed);
    expect(E.isLeft(refused) && refused.left).toMatch(/step \d+ receives what is no message of the system/);
  });

  const drawnRsm = async () => {
    const recorder = new Recorder<Configuration>();
    await simulate(recorder.watch(ironrsmSimulation), run(1, 1));
    return recorder.cluster;
  };

  it('of a system that does not describe its constants draws them again from the seed', async () => {
    const undescribed = counterexamplesOf(greedyLock);
    const drawn = made(await undescribed.make(run(file.run.seed), shrunkFully)).counterexample;
    expect(drawn.cluster).toBeNull();
    expect(await undescribed.replay(drawn)).toMatchObject(E.right({ same: true }));
    expect(await undescribed.replay(file)).toEqual(
      E.left('the system cannot make a cluster from the constants in the file'),
    );
  });
});
