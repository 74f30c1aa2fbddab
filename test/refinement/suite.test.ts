/** The suite can fail: on hosts, protocols, codecs and goals that are broken on purpose. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type SuiteOptions, suiteOf } from '../../src/refinement/suite.js';
import { LockHost } from '../../systems/lock/index.js';
import { lockSimulation } from '../../systems/lock/simulation.js';

const folder = mkdtempSync(join(tmpdir(), 'ironkeel-suite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type LockSimulation = typeof lockSimulation;

const budget: SuiteOptions = { seed: 7, runs: 4, steps: 200, codecRuns: 50, scheduleRuns: 3 };

/** Runs the suite as a test runner would: the message of each case that failed, by name. */
const failuresOf = async (system: LockSimulation, options: SuiteOptions = {}): Promise<ReadonlyMap<string, string>> => {
  const failures = new Map<string, string>();
  for (const { name, run } of suiteOf(system, { ...budget, ...options }).cases) {
    try {
      await run();
    } catch (error) {
      failures.set(name, (error as Error).message);
    }
  }
  return failures;
};

const withHost = (change: (host: LockHost) => LockHost): LockSimulation => ({
  ...lockSimulation,
  definition: {
    ...lockSimulation.definition,
    createHost: (constants, me) => change(new LockHost(constants, me)),
  },
});

/** A host whose lock never leaves it: it forgets that its time has come. */
const neverGrants = withHost((host) => Object.defineProperty(host, 'dueMs', { get: () => 0, set: () => undefined }));

const steps = 'every step of every host is one that the protocol allows, and can be reduced to an atomic one';
const init = "every host starts in the protocol's first state";
const drawn = 'runs of any length under any set of faults hold';

describe('the refinement suite', () => {
  it('has the seed in its title', () => {
    expect(suiteOf(lockSimulation, { seed: 42 }).title).toContain('seed 42');
  });

  it('passes the lock', async () => {
    expect([...(await failuresOf(lockSimulation, { runs: 20, steps: 500 })).keys()]).toEqual([]);
  });

  it('fails on a broken host, and says which seed and command show it again', async () => {
    const failures = await failuresOf(neverGrants);
    const message = failures.get(steps) ?? '';
    expect(message).toContain('STATE_MISMATCH');
    expect(message).toMatch(/again: IRONKEEL_SEED=7 npx vitest run -t "lock refines"/);
    expect(message).toMatch(/npx ironkeel simulate lock --seed 7 --runs 1 --steps 200/);
  });

  it('makes what fast-check drew smaller, down to no faults', async () => {
    expect((await failuresOf(neverGrants)).get(drawn)).toMatch(/Counterexample: \[\d+,\d+,\[\]\]/);
  });

  it('fails on a host that starts in another state', async () => {
    const wrongStart = withHost((host) => Object.assign(host, { epoch: 5 }));
    expect((await failuresOf(wrongStart)).get(init)).toContain('STATE_MISMATCH');
  });

  it('fails on a codec that loses something', async () => {
    const { codec } = lockSimulation.definition.refinement;
    const forgetful: LockSimulation = {
      ...lockSimulation,
      definition: {
        ...lockSimulation.definition,
        refinement: {
          ...lockSimulation.definition.refinement,
          codec: { ...codec, encode: (m) => codec.encode(m.tag === 'locked' ? { ...m, epoch: 0 } : m) },
        },
      },
    };
    const failed = [...(await failuresOf(forgetful)).keys()];
    expect(failed).toContain('every message of lock comes back from its bytes');
    expect(failed).toContain('two messages of lock have the same bytes only if they are equal');
  });

  it('fails on a codec that throws on garbage', async () => {
    const { codec } = lockSimulation.definition.refinement;
    const refinement = {
      ...lockSimulation.definition.refinement,
      codec: {
        ...codec,
        decode: (bytes: Uint8Array) => {
          if (bytes.length === 0) throw new Error('no bytes');
          return codec.decode(bytes);
        },
      },
    };
    const throwing: LockSimulation = { ...lockSimulation, definition: { ...lockSimulation.definition, refinement } };
    const name = 'bytes that are no message of lock are refused without an exception, and others have one form';
    expect((await failuresOf(throwing, { codecRuns: 500 })).get(name)).toContain('no bytes');
  });

  it('fails on a goal that no run reached', async () => {
    const vacuous: LockSimulation = { ...lockSimulation, goals: [...lockSimulation.goals, 'a blue moon'] };
    const failures = await failuresOf(vacuous, { runs: 20, steps: 500 });
    expect(failures.get('the runs reach what makes them worth something')).toContain('never reached: a blue moon');
  });

  it('fails on a system that stops after the faults heal', async () => {
    const waits: LockSimulation = {
      ...lockSimulation,
      draw: (random, options) => ({
        ...lockSimulation.draw(random, options),
        progress: () => ({ withinSteps: 5, withinMs: 100, reached: () => false, waitingFor: () => ['a miracle'] }),
      }),
    };
    expect((await failuresOf(waits)).get('after the faults heal, what was asked for happens')).toContain('a miracle');
  });
});

describe('the file of regressions', () => {
  it('takes in a run that failed, once, and that run goes first from then on', async () => {
    const path = join(folder, 'regressions.json');
    await failuresOf(neverGrants, { regressions: path, saveRegressions: true, scheduleRuns: 1 });
    const file = JSON.parse(readFileSync(path, 'utf8')) as { readonly runs: readonly { readonly seed: number }[] };
    expect(file.runs.filter((run) => run.seed === 7)).toHaveLength(1);
    const [first] = suiteOf(lockSimulation, { ...budget, regressions: path }).cases;
    expect(first?.name).toContain('a run that failed once holds (seed 7');
    await first?.run();
    const [broken] = suiteOf(neverGrants, { ...budget, regressions: path }).cases;
    await expect(broken?.run()).rejects.toThrow('STATE_MISMATCH');
  });

  it('is left alone unless asked', async () => {
    const path = join(folder, 'untouched.json');
    await failuresOf(neverGrants, { regressions: path, scheduleRuns: 1 });
    expect(existsSync(path)).toBe(false);
  });

  it('must be one', () => {
    const path = join(folder, 'other.json');
    writeFileSync(path, '{"format":"ironkeel-regressions","version":2,"runs":[]}');
    expect(() => suiteOf(lockSimulation, { regressions: path })).toThrow(/no list of regressions of version 1/);
    writeFileSync(path, '{"format');
    expect(() => suiteOf(lockSimulation, { regressions: path })).toThrow(/no list of regressions/);
  });
});
