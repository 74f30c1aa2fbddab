import { describe, expect, it } from 'vitest';
import {
  always,
  alwaysStep,
  type Exploration,
  type ExploreOptions,
  explore,
  noDeadlock,
  type StateModel,
  sometimes,
} from '../../src/refinement/explorer.js';
import { twoPhaseCommit } from '../../src/refinement/models/two-phase-commit.js';
import { violated } from '../../src/spec/check.js';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A walk on a grid: right or up, within `size`. */
const grid = (
  size: number,
  parts: Partial<StateModel<Point, 'right' | 'up'>> = {},
): StateModel<Point, 'right' | 'up'> => ({
  name: 'grid',
  init: () => [{ x: 0, y: 0 }],
  actions: () => ['right', 'up'],
  next: ({ x, y }, action) => {
    if (action === 'right') return x < size ? { x: x + 1, y } : undefined;
    return y < size ? { x, y: y + 1 } : undefined;
  },
  properties: [],
  ...(parts as object),
});

const counts = ({ generated, distinct, depth, complete }: Exploration) => ({ generated, distinct, depth, complete });

describe('the explorer', () => {
  // TLC's figures for the module TwoPhase of tlaplus/Examples.
  it.each([
    [3, 288, 1_146],
    [4, 1_568, 8_258],
    [5, 8_832, 58_146],
  ])('finds the states of two-phase commit with %i resource managers', async (size, distinct, generated) => {
    const result = await explore(twoPhaseCommit(size));
    expect(counts(result)).toEqual({ distinct, generated, depth: 3 * size + 1, complete: true });
    expect(result.found).toEqual([]);
    expect(result.fault).toBeUndefined();
    expect(result.collisionProbability).toBe(0);
  });

  it('takes resource managers as interchangeable where symmetry is asked for, and finds no more and no less', async () => {
    const result = await explore(twoPhaseCommit(5), { symmetry: true });
    // The orbits of the states of the full exploration.
    const model = twoPhaseCommit(5);
    const orbits = new Set<number>();
    await explore({
      ...model,
      properties: [always('seen', (s: number) => orbits.add(model.canonical?.(s) as number) !== null)],
    });
    expect(result).toMatchObject({ distinct: orbits.size, complete: true, found: [], depth: 16 });
    expect(orbits.size).toBeLessThan(8_832 / 20);
  });

  it('finds every state of a model of objects, and says how likely it missed one', async () => {
    const result = await explore(grid(9));
    expect(counts(result)).toEqual({ distinct: 100, generated: 181, depth: 18, complete: true });
    expect(result.collisionProbability).toBeGreaterThan(0);
    expect(result.collisionProbability).toBeLessThan(1e-12);
    expect(result.actions).toEqual([
      { action: 'right', generated: 90, distinct: expect.any(Number) },
      { action: 'up', generated: 90, distinct: expect.any(Number) },
    ]);
    expect(result.actions.reduce((sum, row) => sum + row.distinct, 0)).toBe(99);
  });

  it('refutes an invariant with a shortest trace', async () => {
    const far = always<Point>('never at (2, 1)', ({ x, y }) =>
      x === 2 && y === 1 ? violated('INVARIANT', 'never at (2, 1)', { x, y }) : true,
    );
    const result = await explore(grid(9, { properties: [far] }));
    expect(result).toMatchObject({ complete: false, stopped: 'violation' });
    const [found] = result.found;
    expect(found).toMatchObject({ code: 'INVARIANT', rule: 'never at (2, 1)', evidence: { x: 2, y: 1 } });
    expect(found?.trace.map(({ action }) => action)).toEqual([undefined, 'right', 'right', 'up']);
    expect(found?.trace.at(-1)?.state).toBe('{x: 2, y: 1}');
  });

  it('refutes a planted bug of two-phase commit with a shortest trace, with symmetry too', async () => {
    const model = twoPhaseCommit(4);
    // A manager that hears of the commit although the decision was to abort.
    const planted: typeof model = {
      ...model,
      successors: (state, emit) => {
        model.successors(state, emit);
        if (state % 16 !== 2) return;
        for (let i = 1; i <= 4; i++) emit(31 + i, state + (2 - (Math.floor(state / 16 ** i) % 4)) * 16 ** i);
      },
    };
    for (const symmetry of [false, true]) {
      const [found] = (await explore(planted, { symmetry })).found;
      expect(found?.code).toBe('INVARIANT');
      // The manager decides to abort, one hears of it, another commits.
      expect(found?.trace).toHaveLength(4);
    }
  });

  it('judges steps, those to known states included', async () => {
    const back: StateModel<number, 'up' | 'home'> = {
      name: 'back',
      init: () => [0],
      actions: () => ['up', 'home'],
      next: (s, action) => {
        if (action === 'up') return s < 3 ? s + 1 : undefined;
        return s === 3 ? 0 : undefined;
      },
      properties: [alwaysStep('it never goes back', (before: number, _: string, after: number) => after >= before)],
    };
    const [found] = (await explore(back)).found;
    expect(found).toMatchObject({ code: 'STEP_INVARIANT', rule: 'it never goes back' });
    expect(found?.trace.map(({ action }) => action)).toEqual([undefined, 'up', 'up', 'up', 'home']);
  });

  it('finds a deadlock, and none where the system may end', async () => {
    const [found] = (await explore(grid(2, { properties: [noDeadlock<Point>()] }))).found;
    expect(found).toMatchObject({ code: 'DEADLOCK' });
    expect(found?.trace).toHaveLength(5);
    const ends = await explore(grid(2, { properties: [noDeadlock<Point>(({ x, y }) => x + y === 4)] }));
    expect(ends).toMatchObject({ found: [], ends: 1 });
  });

  it('takes a step that changes nothing for no way out of a deadlock', async () => {
    const model: StateModel<number, 'stay'> = {
      name: 'rest',
      init: () => [7],
      actions: () => ['stay'],
      next: (s) => s,
      properties: [noDeadlock()],
    };
    expect(await explore(model)).toMatchObject({ generated: 2, distinct: 1, found: [{ code: 'DEADLOCK' }] });
  });

  it('calls an exploration vacuous that never reached what it should', async () => {
    const properties = [
      sometimes<Point>('far out', ({ x }) => x > 5),
      sometimes<Point>('corner', ({ x, y }) => x + y === 6),
    ];
    const result = await explore(grid(3, { properties }));
    expect(result.found).toMatchObject([{ code: 'NEVER_REACHED', rule: 'far out' }]);
    expect(result.reached).toEqual({ 'far out': 0, corner: 1 });
  });

  it('counts states beyond the bounds, and neither judges them nor takes them for ends', async () => {
    const result = await explore(
      grid(9, {
        within: ({ x, y }) => x + y <= 4,
        properties: [noDeadlock<Point>(), always<Point>('near', ({ x, y }) => x + y <= 4)],
      }),
    );
    expect(result).toMatchObject({ distinct: 15, cut: 6, depth: 4, complete: true, found: [], ends: 0 });
  });

  it('counts kinds of states', async () => {
    const result = await explore(grid(3, { stateClass: ({ x, y }) => (x === y ? 'diagonal' : 'other') }));
    expect(result.classes).toEqual({ diagonal: 4, other: 12 });
  });

  it('says that it is incomplete where a limit cut it off, and does not judge what it never reached', async () => {
    const properties = [sometimes<Point>('far out', ({ x }) => x > 50)];
    const limits: readonly [ExploreOptions, string][] = [
      [{ statesMax: 40 }, 'states'],
      [{ timeLimitMs: 0 }, 'time'],
      [{ signal: AbortSignal.abort() }, 'interrupted'],
    ];
    for (const [options, stopped] of limits) {
      expect(await explore(grid(60, { properties }), options)).toMatchObject({ complete: false, stopped, found: [] });
    }
    expect((await explore(grid(60, { properties }), { statesMax: 40 })).distinct).toBeLessThan(43);
  });

  it('is complete where the limit is just as large as the model', async () => {
    expect(await explore(grid(9), { statesMax: 100 })).toMatchObject({ distinct: 100, complete: true });
  });

  it('reports its progress', async () => {
    const seen: number[] = [];
    let now = 0;
    const nowMs = (): number => {
      now += 2_000;
      return now;
    };
    await explore(twoPhaseCommit(5), { onProgress: ({ distinct }) => seen.push(distinct), nowMs });
    expect(seen.length).toBeGreaterThan(0);
  });
});
