/** IronRSM within bounds: complete explorations, and that the reductions behind them leave nothing out. */
import { describe, expect, it } from 'vitest';
import { always, type Exploration, explore } from '../../src/refinement/explorer.js';
import { boundedConfiguration, ReductionFault, Role, shapes } from '../../systems/ironrsm/bounded/roles.js';
import { type BoundedState, boundedIronrsm } from '../../systems/ironrsm/bounded.js';
import { ironrsmHosts } from '../../systems/ironrsm/host-exploration.js';
import { acceptorInduction, conjunctNames } from '../../systems/ironrsm/induction.js';
import { fineGrained, projection } from './fine-grained.js';

const slow = 240_000;

/** Those whose absence shows within a few thousand states. */
const leaveOut = /at or below the promise|vote was sent|vote held|is kept/;

const expectGood = (result: Exploration): void => {
  expect(result.fault).toBeUndefined();
  expect(result.found).toEqual([]);
  expect(result.complete).toBe(true);
};

describe('IronRSM within bounds', () => {
  it(
    'chooses one batch an operation, in all states with 3 acceptors, 2 ballots and 2 operations',
    async () => {
      const result = await explore(boundedIronrsm({ acceptors: 3, ballots: 2, operations: 2 }));
      expectGood(result);
      expect(result).toMatchObject({ distinct: 383_937, cut: 87_616, depth: 16, ends: 0 });
      for (const count of Object.values(result.reached)) expect(count).toBeGreaterThan(0);
    },
    slow,
  );

  it('has as many states up to the names of acceptors as there are classes of states', async () => {
    const model = boundedIronrsm({ acceptors: 3, ballots: 2, operations: 1 });
    const classes = new Set<string>();
    const collect = always<BoundedState>('collected', (state) => {
      const standsFor = model.canonical?.(state) ?? state;
      classes.add(String(model.key?.(standsFor)));
      return true;
    });
    expectGood(await explore({ ...model, properties: [collect] }));
    const reduced = await explore(model, { symmetry: true });
    expectGood(reduced);
    expect(reduced.distinct).toBe(classes.size);
    expect(reduced.distinct).toBeLessThan(1_000);
  });

  it(
    'sends the votes that whole replicas send when each packet is delivered by itself',
    async () => {
      const single = new Set<string>();
      expectGood(await explore(fineGrained(single, false)));
      const joined = new Set<string>();
      const model = boundedIronrsm({ acceptors: 3, ballots: 2, operations: 1 });
      const collect = always<BoundedState>('collected', ({ sent, acceptors: _, learner }) => {
        joined.add(
          projection(sent, {
            ...learner.executor,
            log: learner.executor.log.withMutations((draft) => draft.delete(0)),
          }),
        );
        return true;
      });
      expectGood(await explore({ ...model, properties: [collect] }));
      expect([...joined].sort()).toEqual([...single].sort());
      expect(single.size).toBe(92);
    },
    slow,
  );

  it('notices a step that reaches into another role', () => {
    const configuration = boundedConfiguration(3);
    const acceptor = new Role(configuration, 0, shapes.acceptor, () => true);
    expect(() => acceptor.take(acceptor.initial, 'view', () => [{ tag: 'enterNewView' }])).toThrow(ReductionFault);
  });
});

describe("the invariants of IronRSM's acceptors and ballots", () => {
  it(
    'are inductive for 3 acceptors, 2 ballots and 2 batches',
    () => {
      const { found, initiallyFalse, drawn, steps } = acceptorInduction(3, 2);
      expect([found, initiallyFalse]).toEqual([undefined, undefined]);
      expect({ drawn, steps }).toEqual({ drawn: 7_791, steps: 81_206 });
    },
    slow,
  );

  it.each(conjunctNames(3).filter((name) => leaveOut.test(name)))('are not without: %s', (name) => {
    const { found, initiallyFalse } = acceptorInduction(3, 2, name);
    expect(initiallyFalse).toBeUndefined();
    expect(found).toBeDefined();
    expect(found?.invariant).not.toBe(name);
  });
});

describe('the host code of IronRSM', () => {
  it('is what the protocol allows, in all orders of delivery to 3 replicas of 3 steps each', async () => {
    const result = await explore(ironrsmHosts(3, 3));
    expectGood(result);
    expect(result.distinct).toBeGreaterThan(300);
    expect(result.reached['a client is answered']).toBeGreaterThan(0);
  });
});
