/** Shrinking: less of everything, the same violation, and the same result each time. */
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../src/refinement/schedule/recorder.js';
import { smallerRun } from '../../src/refinement/schedule/run-search.js';
import { execute } from '../../src/refinement/schedule/scheduled-run.js';
import { shrink } from '../../src/refinement/schedule/shrink.js';
import { subjectOf } from '../../src/refinement/schedule/subject.js';
import { type RunOptions, simulate } from '../../src/refinement/simulator.js';
import { E } from '../../src/spec/prelude.js';
import type { LockConfiguration } from '../../systems/lock/configuration.js';
import { plainLock } from '../../systems/lock/counterexamples.js';
import {
  angryLock,
  chattyRsm,
  firstSeed,
  greedyLock,
  limits,
  lockCounterexamples,
  made,
  rsmCounterexamples,
  run,
  shrunkFully,
  unshrunk,
} from './broken-systems.js';

describe('a counterexample of the lock', () => {
  it('shrinks to the handovers that the violation needs, on two hosts, with clocks from 0', async () => {
    const seed = await firstSeed((options) => simulate(greedyLock, options));
    const whole = made(await lockCounterexamples.make(run(seed), unshrunk));
    const small = made(await lockCounterexamples.make(run(seed), shrunkFully));
    expect(small.minimal).toBe(true);
    expect(small.deterministic).toBe(true);
    const { cluster, schedule, violation } = small.counterexample;
    expect(violation).toMatchObject({
      code: whole.counterexample.violation.code,
      rule: whole.counterexample.violation.rule,
    });
    expect(cluster?.nodes.length).toBe(2);
    // Epoch 7 is reached after six handovers; no step of a host can make two of them.
    expect(schedule?.length).toBeLessThanOrEqual(13);
    expect(schedule?.[0]?.timeMs).toBe(0);
    expect(small.recorded.steps).toBeGreaterThan(whole.kept.steps - 1);
  });

  it('shrinks a stranger to the packets that matter, in their simplest form', async () => {
    const seed = await firstSeed((options) => simulate(angryLock, options));
    const recorder = new Recorder<LockConfiguration>();
    await simulate(recorder.watch(angryLock), run(seed));
    const execution = execute(angryLock, recorder.cluster, recorder.schedule);
    if (execution.found === undefined) throw new Error('nothing was found');
    const start = { cluster: recorder.cluster, schedule: execution.happened, execution };
    const subject = subjectOf(angryLock, plainLock);
    const small = shrink(subject, start, execution.found, limits);
    const messages = small.schedule.flatMap((step) =>
      step.receives.map(({ bytes }) => angryLock.definition.refinement.codec.decode(bytes)),
    );
    expect(messages).toEqual(Array.from({ length: 3 }, () => E.right({ tag: 'statusRequest', nonce: 0 })));
  });

  it('stops at its limit with the best so far', async () => {
    const seed = await firstSeed((options) => simulate(greedyLock, options));
    const little = { plant: undefined, shrink: { ...limits, stepsMax: 400 } };
    const some = made(await lockCounterexamples.make(run(seed), little));
    expect(some.minimal).toBe(false);
    expect(some.kept.steps).toBeGreaterThan(13);
    expect(await lockCounterexamples.replay(some.counterexample)).toMatchObject(E.right({ same: true }));
  });
});

describe('a counterexample of IronRSM', () => {
  it('shrinks to a few steps that still show it', async () => {
    const seed = await firstSeed((options) => simulate(chattyRsm, options));
    const small = made(await rsmCounterexamples.make(run(seed), shrunkFully));
    expect(small.counterexample.violation).toMatchObject({ code: 'SENDS_MISMATCH', check: 'RC' });
    expect(small.kept.steps).toBeLessThanOrEqual(12);
    expect(small.kept.steps).toBeLessThan(small.recorded.steps);
    expect(await rsmCounterexamples.replay(small.counterexample)).toMatchObject(E.right({ same: true }));
  });
});

describe('a run without a schedule', () => {
  const found = { code: 'NO_PROGRESS', rule: 'r' } as never;
  const start: RunOptions = { ...run(1, 1000, ['loss', 'delay', 'corrupt']), nodes: 5 };
  const drawn = { nodes: 5, clients: 4 };

  it('keeps the faults, hosts and steps that it needs, and as few clients and requests as will do', async () => {
    const find = async ({ faults, nodes, steps }: RunOptions) =>
      faults.includes('delay') && (nodes ?? 9) >= 3 && steps >= 200 ? found : undefined;
    const small = await smallerRun(find, start, found, drawn, () => true);
    expect(small).toMatchObject({
      run: { faults: ['delay'], nodes: 3, steps: 200, clients: 1, requests: 0 },
      minimal: true,
    });
  });

  it('does not take another violation for the same, and stops when told', async () => {
    const other = async () => ({ code: 'INVARIANT', rule: 'r' }) as never;
    expect((await smallerRun(other, start, found, drawn, () => true)).run).toEqual(start);
    const stopped = await smallerRun(
      async () => found,
      start,
      found,
      drawn,
      () => false,
    );
    expect(stopped).toEqual({ run: start, attempts: 0, minimal: false });
  });
});
