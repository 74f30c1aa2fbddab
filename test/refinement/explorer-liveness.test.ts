/** Leads-to under weak fairness: what refutes it, what does not. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExploreRefusal, explore, leadsTo, type StateModel } from '../../src/refinement/explorer.js';

/** A graph as a model: the nodes are states, each edge an action instance. */
const graph = (
  edges: readonly (readonly [from: number, to: number, action?: string])[],
  premise: (s: number) => boolean,
  goal: (s: number) => boolean,
  more: Partial<StateModel<number, string>> = {},
): StateModel<number, string> => ({
  name: 'graph',
  init: () => [0],
  successors: (state, emit) => {
    for (const [from, to, action] of edges) if (from === state) emit(action ?? `${from}-${to}`, to);
  },
  properties: [leadsTo('premise leads to goal', premise, goal)],
  ...(more as object),
});

const is =
  (...wanted: readonly number[]) =>
  (s: number): boolean =>
    wanted.includes(s);

const shape = async (model: StateModel<number, string>) => {
  const { found, fault, complete } = await explore(model);
  expect(fault).toBeUndefined();
  expect(complete).toBe(true);
  return found.map(({ code, trace, loopFrom }) => ({
    code,
    states: trace.map(({ state }) => Number(state)),
    loopFrom,
  }));
};

describe('leads-to', () => {
  it('is incomplete where a limit ends its second pass', async () => {
    const states = 1_000;
    let judged = 0;
    const slow = (): boolean => {
      judged++;
      for (const until = performance.now() + 1; performance.now() < until; );
      return true;
    };
    const line: StateModel<number, string> = {
      name: 'line',
      init: () => [0],
      successors: (n, emit) => {
        if (n < states) emit(`to ${n + 1}`, n + 1);
      },
      properties: [leadsTo('the start leads to the end', slow, (n) => n === states)],
    };
    // The time stands still until the second pass begins.
    const limited = await explore(line, { timeLimitMs: 30, nowMs: () => judged });
    expect(limited).toMatchObject({ complete: false, stopped: 'time', found: [], distinct: states + 1 });
    expect(judged).toBeLessThan(states);
    const stop = new AbortController();
    judged = 0;
    setTimeout(() => stop.abort(), 20);
    expect(await explore(line, { signal: stop.signal })).toMatchObject({ complete: false, stopped: 'interrupted' });
  });

  it('is refuted by a cycle that avoids the goal, without a terminal state', async () => {
    // From 2 it goes back to 1 for ever; the goal 3 is never enabled in 1.
    const found = await shape(
      graph(
        [
          [0, 1],
          [1, 2],
          [2, 1],
          [2, 3],
        ],
        is(0),
        is(3),
      ),
    );
    expect(found).toEqual([{ code: 'LEADS_TO', states: [0, 1, 2, 1], loopFrom: 1 }]);
  });

  it('holds where weak fairness leads out of every cycle', async () => {
    // "leave" is enabled in both states of the cycle, and is one instance.
    const edges = [
      [0, 1],
      [1, 2],
      [2, 1],
      [1, 3, 'leave'],
      [2, 3, 'leave'],
    ] as const;
    expect(await shape(graph(edges, is(0), is(3)))).toEqual([]);
  });

  it('is refuted where only an unfair action leads out', async () => {
    const edges = [
      [0, 1],
      [1, 2],
      [2, 1],
      [1, 3, 'leave'],
      [2, 3, 'leave'],
    ] as const;
    const found = await shape(graph(edges, is(0), is(3), { fair: (action) => action !== 'leave' }));
    expect(found).toMatchObject([{ code: 'LEADS_TO' }]);
  });

  it('takes fairness by instance: two instances that take turns bind nobody', async () => {
    const edges = [
      [0, 1],
      [1, 2],
      [2, 1],
      [1, 3, 'leave(1)'],
      [2, 3, 'leave(2)'],
    ] as const;
    expect(await shape(graph(edges, is(0), is(3)))).toMatchObject([{ code: 'LEADS_TO', loopFrom: 1 }]);
  });

  it('is not fooled by a join of two ways', async () => {
    // 3 is reached on two ways; that is no cycle.
    expect(
      await shape(
        graph(
          [
            [0, 1],
            [0, 2],
            [1, 3],
            [2, 3],
            [3, 4],
          ],
          is(0),
          is(4),
        ),
      ),
    ).toEqual([]);
  });

  it('is refuted by a way to an end, whatever joins it', async () => {
    const found = await shape(
      graph(
        [
          [0, 1],
          [0, 2],
          [1, 3],
          [2, 3],
          [3, 4],
          [2, 5],
        ],
        is(0),
        is(4),
      ),
    );
    expect(found).toEqual([{ code: 'LEADS_TO', states: [0, 2, 5], loopFrom: 2 }]);
  });

  it('is refuted by a state in which only unfair actions are enabled', async () => {
    const found = await shape(graph([[0, 1, 'crash']], is(0), is(1), { fair: () => false }));
    expect(found).toEqual([{ code: 'LEADS_TO', states: [0], loopFrom: 0 }]);
  });

  it('takes a step that changes nothing for no step', async () => {
    const found = await shape(
      graph(
        [
          [0, 1],
          [1, 1],
        ],
        is(0),
        is(2),
      ),
    );
    expect(found).toEqual([{ code: 'LEADS_TO', states: [0, 1], loopFrom: 1 }]);
  });

  it('asks for the goal after every premise, and only after it', async () => {
    // The goal 1 comes before the premise 2, and never again.
    expect(
      await shape(
        graph(
          [
            [0, 1],
            [1, 2],
          ],
          is(2),
          is(1),
        ),
      ),
    ).toMatchObject([{ states: [0, 1, 2] }]);
    // The cycle of 0 and 1 avoids the goal, but the premise comes later.
    expect(
      await shape(
        graph(
          [
            [0, 1],
            [1, 0],
            [1, 2],
            [2, 3],
          ],
          is(2),
          is(3),
        ),
      ),
    ).toEqual([]);
    // Premise and goal together.
    expect(await shape(graph([[0, 1]], is(0), is(0)))).toEqual([]);
  });

  it('is vacuous where the premise is never reached', async () => {
    const { found } = await explore(graph([[0, 1]], is(9), is(1)));
    expect(found).toMatchObject([{ code: 'PREMISE_NEVER_REACHED', rule: 'premise leads to goal' }]);
  });

  it('takes states beyond the bounds neither for ends nor for evidence', async () => {
    const within = (s: number): boolean => s < 3;
    expect(
      await shape(
        graph(
          [
            [0, 1],
            [1, 2],
            [2, 3],
          ],
          is(0),
          is(9),
          { within },
        ),
      ),
    ).toEqual([]);
    // The cycle is left by a fair action, even if nobody knows whereto.
    const edges = [
      [0, 1],
      [1, 2],
      [2, 1],
      [1, 4, 'out'],
      [2, 4, 'out'],
    ] as const;
    expect(await shape(graph(edges, is(0), is(9), { within }))).toEqual([]);
  });

  it('is not judged where not all states were explored', async () => {
    const result = await explore(
      graph(
        [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
        is(9),
        is(1),
      ),
      { statesMax: 2 },
    );
    expect(result).toMatchObject({ complete: false, found: [] });
  });

  it('cannot be used with symmetry', async () => {
    const model = graph([[0, 1]], is(0), is(1), { canonical: (s) => s });
    await expect(explore(model, { symmetry: true })).rejects.toThrow(ExploreRefusal);
    await expect(explore(model, { symmetry: true })).rejects.toThrow(
      /Symmetry cannot be used with the leads-to property/,
    );
  });

  it('says in one sentence that a premise threw', async () => {
    const broken = (): boolean => {
      throw new Error('no premise');
    };
    const { fault, complete } = await explore(graph([[0, 1]], broken, is(1)));
    expect(complete).toBe(false);
    expect(fault?.sentence).toBe('the property "premise leads to goal" threw Error: no premise in the state 0');
  });

  it('shows a cycle that serves every fair instance', async () => {
    // In the component of 1, 2 and 3 the instance a is enabled everywhere, and taken only from 3.
    const edges = [
      [0, 1],
      [1, 2, 'b'],
      [2, 1, 'c'],
      [2, 3, 'd'],
      [1, 9, 'a'],
      [2, 9, 'a'],
      [3, 1, 'a'],
    ] as const;
    const [found] = await shape(graph(edges, is(0), is(9)));
    expect(found).toEqual({ code: 'LEADS_TO', states: [0, 1, 2, 3, 1], loopFrom: 1 });
  });

  it('agrees with a search of all subsets of states on small graphs', async () => {
    const nodes = 5;
    const edge = fc.tuple(fc.nat(nodes - 1), fc.nat(nodes - 1), fc.constantFrom('a', 'b', 'c', 'unfair'));
    await fc.assert(
      fc.asyncProperty(fc.array(edge, { maxLength: 12 }), fc.nat(nodes - 1), async (edges, goal) => {
        const model = graph(edges, is(0), is(goal), { fair: (action) => action !== 'unfair' });
        const { found } = await explore(model);
        expect(found.length > 0).toBe(goal !== 0 && starvable(edges, nodes, goal));
      }),
      { numRuns: 400 },
    );
  });
});

/** Whether some set of states that can be reached from 0 without `goal` is strongly connected by its edges and fair. */
const starvable = (edges: readonly (readonly [number, number, string])[], nodes: number, goal: number): boolean => {
  const real = edges.filter(([from, to]) => from !== to);
  const reach = (from: number, allowed: (n: number) => boolean): Set<number> => {
    const seen = new Set([from]);
    for (const n of seen) for (const [a, b] of real) if (a === n && allowed(b)) seen.add(b);
    return seen;
  };
  const reachable = reach(0, (n) => n !== goal);
  for (let set = 1; set < 2 ** nodes; set++) {
    const members = Array.from({ length: nodes }, (_, n) => n).filter((n) => (set >> n) & 1);
    const inside = (n: number): boolean => members.includes(n);
    if (!members.every((n) => reachable.has(n) && n !== goal)) continue;
    if (!members.every((n) => reach(n, inside).size === members.length)) continue;
    const fair = ['a', 'b', 'c'].every(
      (label) =>
        real.some(([a, b, l]) => l === label && inside(a) && inside(b)) ||
        members.some((n) => !real.some(([a, , l]) => l === label && a === n)),
    );
    if (fair) return true;
  }
  return false;
};
