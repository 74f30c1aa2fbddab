/** Counterexamples of histories and of liveness: a schedule with clients, and a whole run made smaller. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { htmlOf } from '../../src/refinement/export/html.js';
import { itfOf } from '../../src/refinement/export/itf.js';
import { shivizOf } from '../../src/refinement/export/shiviz.js';
import { spaceTimeOf } from '../../src/refinement/export/space-time.js';
import { Random } from '../../src/refinement/random.js';
import {
  type Counterexample,
  readCounterexample,
  writeCounterexample,
} from '../../src/refinement/schedule/counterexample.js';
import { counterexamplesOf, type Made, type ShownExecution } from '../../src/refinement/schedule/counterexamples.js';
import { Recorder } from '../../src/refinement/schedule/recorder.js';
import { execute } from '../../src/refinement/schedule/scheduled-run.js';
import { simulate } from '../../src/refinement/simulator.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import type { AnyApplication } from '../../systems/ironrsm/application.js';
import { encodeCommand, kv } from '../../systems/ironrsm/applications/kv.js';
import type { Configuration } from '../../systems/ironrsm/configuration.js';
import { plainIronrsm } from '../../systems/ironrsm/counterexamples.js';
import { joined, type RsmMessage } from '../../systems/ironrsm/messages.js';
import { RsmScheduledClients } from '../../systems/ironrsm/simulation/scheduled-clients.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';
import { lockSimulation } from '../../systems/lock/simulation.js';
import { firstSeed, made, rsmCounterexamples, run, shrunkFully, unshrunk } from './broken-systems.js';

/** A store that forgets: whatever it is told to set, it does not. Its service is as forgetful, so that only clients notice. */
const forgetful: AnyApplication = {
  ...kv,
  apply: (state, request) => ({ ...kv.apply(state as typeof kv.initial, request), state }),
};

const withApp = (constants: Configuration): Configuration =>
  constants.app.name === kv.name ? { ...constants, app: forgetful } : constants;

const forgetfulRsm: typeof ironrsmSimulation = {
  ...ironrsmSimulation,
  draw: (random, options) => {
    const cluster = ironrsmSimulation.draw(random, options);
    // Drawn constants are what hosts, protocol and spec read.
    Object.assign(cluster.constants, withApp(cluster.constants));
    return cluster;
  },
};

const forgetfulCounterexamples = counterexamplesOf(forgetfulRsm, {
  ...plainIronrsm,
  restore: (cluster) => E.map(withApp)(plainIronrsm.restore(cluster)),
});

/** The lock without retransmission, which is not live once a grant is lost. */
const stuckLock: typeof lockSimulation = {
  ...lockSimulation,
  draw: (random, options) => {
    const cluster = lockSimulation.draw(random, options);
    const parameters = { ...cluster.constants.parameters, resendMs: 1_000_000 };
    return { ...cluster, constants: { ...cluster.constants, parameters } };
  },
};

const stuckCounterexamples = counterexamplesOf(stuckLock);

const facts = { source: 'trace.json', plant: undefined, seed: 1, traceHash: 'f'.repeat(64) };

const shownOf = (shown: E.Either<string, ShownExecution>): ShownExecution => {
  if (E.isLeft(shown)) throw new Error(shown.left);
  return shown.right;
};

describe('a history that is not linearizable', () => {
  let small: Made;
  let file: Counterexample;
  let seed: number;
  beforeAll(async () => {
    seed = await firstSeed((options) => simulate(forgetfulRsm, options));
    small = made(await forgetfulCounterexamples.make(run(seed), shrunkFully));
    file = small.counterexample;
  });

  it('is found again in the schedule of its run, with every step of its clients', async () => {
    const recorder = new Recorder<Configuration>();
    const { found } = await simulate(recorder.watch(forgetfulRsm), run(seed));
    expect(found?.code).toBe('NOT_LINEARIZABLE');
    const again = execute(forgetfulRsm, recorder.cluster, recorder.scheduleWithClients, { clients: true });
    expect(again.traceHash).toBe(recorder.traceHashWithClients);
    expect(again.found).toMatchObject({ code: 'NOT_LINEARIZABLE', check: 'LIN', at: again.happened.length - 1 });
    expect(execute(forgetfulRsm, recorder.cluster, recorder.schedule).found).toBeUndefined();
    expect(execute(ironrsmSimulation, recorder.cluster, recorder.schedule).traceHash).toBe(recorder.traceHash);
  });

  it('shrinks to a schedule of at most 30 steps, which ends where a client is told what cannot be', () => {
    expect(small).toMatchObject({ deterministic: true, minimal: true });
    expect(file.schedule?.length).toBeLessThanOrEqual(30);
    expect(file.schedule?.at(-1)?.node).toMatch(/^10\.9\.9\.9:/);
    expect(file.violation).toMatchObject({ check: 'LIN', code: 'NOT_LINEARIZABLE' });
  });

  it('runs again to the same hash and violation, also as it was recorded and after it was read from its file', async () => {
    const whole = made(await forgetfulCounterexamples.make(run(seed), unshrunk)).counterexample;
    expect(whole.schedule?.length).toBeGreaterThan(file.schedule?.length ?? 0);
    for (const saved of [whole, file]) {
      const read = readCounterexample(JSON.parse(writeCounterexample(saved)));
      if (E.isLeft(read)) throw new Error(read.left);
      const replayed = await forgetfulCounterexamples.replay(read.right);
      expect(replayed).toMatchObject(E.right({ same: true, traceHash: saved.traceHash, partedAt: undefined }));
    }
  });

  it('does not show any more with an application that remembers', async () => {
    const replayed = await rsmCounterexamples.replay(file);
    expect(replayed).toMatchObject(E.right({ same: false, partedAt: undefined }));
    expect(E.isRight(replayed) && replayed.right.found?.code).not.toBe('NOT_LINEARIZABLE');
  });

  it('is refused where the system has no clients that could be asked', async () => {
    const { scheduledClients: _, ...mute } = forgetfulRsm;
    const refused = await counterexamplesOf(mute, plainIronrsm).replay(file);
    expect(E.isLeft(refused) && refused.left).toMatch(/clients of the system record no history/);
    const whole = made(await counterexamplesOf(mute).make(run(seed), unshrunk)).counterexample;
    expect(whole.schedule).toBeNull();
  });

  it('is exported with the answer that has no order, and the picture of the history', async () => {
    const shown = shownOf(await forgetfulCounterexamples.show(file));
    expect(shown.found?.at).toBe(shown.steps.length - 1);
    const page = htmlOf(shown, facts);
    expect(page).toMatch(/<pre>The first \d+ operations/);
    expect(page).toContain("With this answer the clients' history has no order");
    expect(page).not.toContain('\\u000a');
    expect(page).toMatch(/class="event[^"]* fails"/);
    const last = shivizOf(shown).trimEnd().split('\n').at(-1);
    expect(last).toMatch(/told; VIOLATION LIN NOT_LINEARIZABLE/);
    const { states } = JSON.parse(itfOf(shown, 'x')) as { readonly states: readonly Record<string, unknown>[] };
    expect(states.at(-1)).toMatchObject({ 'mbt::actionTaken': 'told', violation: { tag: 'Some' } });
    expect(states.at(-1)?.hosts).toEqual(states.at(-2)?.hosts);
  });
});

describe('a schedule of which parts were taken out', () => {
  it('leads correct replicas to no history that is not linearizable', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 2 ** 31 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(),
        async (seed, percent, from) => {
          const recorder = new Recorder<Configuration>();
          await simulate(recorder.watch(ironrsmSimulation), run(seed, 250));
          const random = new Random(from);
          const schedule = recorder.scheduleWithClients
            .filter(() => random.chance(1 - percent / 100))
            .map((step) => ({ ...step, receives: step.receives.filter(() => random.chance(1 - percent / 100)) }));
          const { found, happened } = execute(ironrsmSimulation, recorder.cluster, schedule, { clients: true });
          expect(found).toBeUndefined();
          told += happened.filter((step) => !recorder.cluster.hosts.includes(step.node)).length;
        },
      ),
      { numRuns: 15 },
    );
    expect(told).toBeGreaterThan(0);
  });
});

describe('the clients of a schedule', () => {
  const [alice, replica, other] = [endPoint('10.9.9.9:1'), endPoint('10.0.0.1:7000'), endPoint('10.0.0.2:7000')];
  const key = Buffer.from('k');
  const session = 3;
  const request = (seqno: number, value: Uint8Array): RsmMessage => {
    return { tag: 'request', session, seqno, floor: 1, value };
  };
  const clients = (): RsmScheduledClients => new RsmScheduledClients({ replicas: [replica, other], app: kv } as never);
  const [get, set] = [encodeCommand({ tag: 'get', key }), encodeCommand({ tag: 'set', key, value: Buffer.from('1') })];

  it('leave open what was asked twice under one number, since nobody knows which was answered', () => {
    const own = clients();
    const sends = (seqno: number, operations: readonly Uint8Array[]): boolean =>
      own.sends({ source: alice, target: replica, message: request(seqno, joined(operations)) });
    const receives = (seqno: number, value: Uint8Array): boolean =>
      own.receives({ source: replica, target: alice, message: { tag: 'reply', session, seqno, value } });
    expect([sends(5, [get]), sends(5, [get]), sends(5, [set])]).toEqual([true, true, true]);
    expect(receives(5, joined([kv.apply(kv.initial, set).reply]))).toBe(false);
    // No order explains that a key was found that nobody set, so the set counts as possible.
    expect(sends(6, [get])).toBe(true);
    expect(receives(6, joined([kv.apply(kv.apply(kv.initial, set).state, get).reply]))).toBe(true);
    expect(own.judge()).toMatchObject({ answer: 'linearizable' });
  });

  it('take no notice of an operation that is no command, nor of its answer', () => {
    const own = clients();
    const value = joined([Buffer.from([1, 2, 3]), get]);
    expect(own.sends({ source: alice, target: replica, message: request(1, value) })).toBe(true);
    const malformed = kv.apply(kv.initial, Buffer.from([1, 2, 3])).reply;
    const replies = joined([malformed, kv.apply(kv.initial, get).reply]);
    const reply: RsmMessage = { tag: 'reply', session, seqno: 1, value: replies };
    expect(own.receives({ source: replica, target: alice, message: reply })).toBe(true);
    expect(own.judge()).toMatchObject({ answer: 'linearizable' });
  });

  it('take the first reply to a request only, and leave what was not answered open', () => {
    const own = clients();
    const state = kv.apply(kv.initial, set);
    const reply = (seqno: number, ...replies: readonly Uint8Array[]): boolean =>
      own.receives({
        source: replica,
        target: alice,
        message: { tag: 'reply', session, seqno, value: joined(replies) },
      });
    own.sends({ source: alice, target: replica, message: request(1, joined([set])) });
    own.sends({ source: alice, target: replica, message: request(2, joined([get, get])) });
    const found = kv.apply(state.state, get).reply;
    const missed = kv.apply(kv.initial, get).reply;
    expect(reply(3, found)).toBe(false);
    expect(reply(2, found, found)).toBe(true);
    expect(reply(2, missed, missed)).toBe(false);
    // The set may have happened, since its reply was never taken.
    expect(own.judge()).toMatchObject({ answer: 'linearizable' });
    own.sends({ source: alice, target: replica, message: request(3, joined([get])) });
    expect(reply(3, missed)).toBe(true);
    expect(own.judge()).toMatchObject({ answer: 'not' });
  });
});

describe('a run without progress', () => {
  let small: Made;
  beforeAll(async () => {
    const seed = await firstSeed((options) => simulate(stuckLock, { ...options, faults: ['loss', 'delay'] }));
    small = made(await stuckCounterexamples.make(run(seed, 300, ['loss', 'delay']), shrunkFully));
  });

  it('keeps few steps before the heal, and the fault that it needs', async () => {
    const { run: kept, violation, schedule } = small.counterexample;
    expect(violation).toMatchObject({ check: 'LIVE', code: 'NO_PROGRESS' });
    expect(schedule).toBeNull();
    expect(kept.faults).toEqual(['loss']);
    expect(small.healedAfter).toBeLessThan(300);
    expect(small).toMatchObject({ deterministic: true, minimal: true });
    expect(await stuckCounterexamples.replay(small.counterexample)).toMatchObject(
      E.right({ same: true, traceHash: small.counterexample.traceHash }),
    );
    // The same run of a lock that sends again.
    expect(await counterexamplesOf(lockSimulation).replay(small.counterexample)).toMatchObject(
      E.right({ same: false, found: undefined }),
    );
  });

  it('is exported with its last steps, what was waited for, and how many steps are not shown', async () => {
    const shown = shownOf(await stuckCounterexamples.show(small.counterexample));
    const { leftOut = 0, healedAfter } = shown.window ?? {};
    expect(healedAfter).toBe(small.healedAfter);
    expect(leftOut + shown.steps.length).toBe(small.kept.steps);
    const page = htmlOf(shown, facts);
    expect(page).toContain('to hold the lock again');
    expect(page).toContain('Here the bound ends');
    expect(page).toMatch(/steps of the run are shown, and the faults healed after step \d+/);
    expect(shivizOf(shown).trimEnd()).toMatch(/VIOLATION LIVE NO_PROGRESS: .*$/);
    const { states } = JSON.parse(itfOf(shown, 'x')) as { readonly states: readonly unknown[] };
    expect(states.length).toBe(shown.steps.length + 1);
  });

  it('shows no more than its last steps, which begin in the states that they really begin in', async () => {
    const longer = made(await rsmWithoutAgreement.make(run(4, 400, []), unshrunk)).counterexample;
    const shown = shownOf(await rsmWithoutAgreement.show(longer));
    expect(shown.steps.length).toBe(200);
    expect(shown.window?.leftOut).toBeGreaterThan(200);
    for (const host of shown.hosts) {
      const first = shown.steps.find((step) => step.scheduled.node === host);
      expect(first?.before).toEqual(shown.initial.get(host));
    }
    // Nearly every packet that is received was sent within the window, though an equal one may have been sent before.
    const { events } = spaceTimeOf(shown);
    const earlier = events.filter((event) => event.tag === 'send' && shown.hosts.includes(event.on));
    expect(earlier.length).toBeLessThan(10);
  });
});

/** IronRSM, of which more is demanded than it can do. */
const rsmWithoutAgreement = counterexamplesOf({
  ...ironrsmSimulation,
  draw: (random, options) => ({
    ...ironrsmSimulation.draw(random, options),
    progress: () => ({ withinSteps: 100, withinMs: 1_000, reached: () => false, waitingFor: () => ['the impossible'] }),
  }),
});
