/** IronKV within bounds: complete explorations of the protocol and of host code, and what they must notice. */
import { describe, expect, it } from 'vitest';
import { type Exploration, explore } from '../../src/refinement/explorer.js';
import { ironkvExploration } from '../../systems/ironkv/exploration.js';
import { KvHost } from '../../systems/ironkv/host.js';
import { ironkvHosts } from '../../systems/ironkv/host-exploration.js';
import { ironkv } from '../../systems/ironkv/main.js';
import { ironkvSessions } from '../../systems/ironkv/session-exploration.js';

const slow = 240_000;

const expectGood = (result: Exploration): void => {
  expect(result.fault).toBeUndefined();
  expect(result.found).toEqual([]);
  expect(result.complete).toBe(true);
  for (const count of Object.values(result.reached)) expect(count).toBeGreaterThan(0);
};

describe('IronKV within bounds', () => {
  it.each([
    [1, 0, { distinct: 352, generated: 2_861, depth: 14 }],
    [1, 2, { distinct: 1_408, generated: 14_257 }],
    [2, 0, { distinct: 6_856, generated: 76_673, depth: 22 }],
  ])(
    'keeps every invariant and refines one table in all states with %i writes and %i orders to refuse',
    async (writes, refused, counts) => {
      const result = await explore(ironkvExploration(writes, refused));
      expectGood(result);
      expect(result).toMatchObject(counts);
    },
    slow,
  );
});

describe('sessions of IronKV within bounds', () => {
  it.each([
    [2, 1, 1, { distinct: 384, generated: 2_217, cut: 80 }],
    [2, 0, 2, { distinct: 1_712, generated: 11_377, cut: 208 }],
    [1, 1, 2, { distinct: 2_940, generated: 25_173, cut: 0 }],
  ])(
    'are announced, expire, travel and keep their order with %i ordered requests, %i moves and %i sessions',
    async (requests, moves, sessions, counts) => {
      const result = await explore(ironkvSessions(requests, moves, sessions));
      expectGood(result);
      expect(result).toMatchObject(counts);
    },
    slow,
  );
});

/** It keeps what it handed over for itself. */
class GreedyHost extends KvHost {
  override next(io: Parameters<KvHost['next']>[0]): void {
    const before = new Map(this.table);
    super.next(io);
    for (const [key, value] of before)
      if (!this.table.has(key)) (this.table as Map<string, Uint8Array>).set(key, value);
  }
}

describe('host code of IronKV under the explorer', () => {
  it.each([
    [1, 7, { distinct: 308 }],
    [2, 5, { distinct: 2_858, generated: 32_280, cut: 1_183 }],
  ])(
    'is what the protocol allows, in all orders of delivery, with %i writes and %i steps of a host',
    async (writes, steps, counts) => {
      const result = await explore(ironkvHosts(writes, steps));
      expectGood(result);
      expect(result).toMatchObject(counts);
    },
    slow,
  );

  it('is stopped by its judge at the first step that the protocol does not allow', async () => {
    const createHost: typeof ironkv.createHost = (constants, me) => new GreedyHost(constants, me);
    const { found, complete } = await explore(ironkvHosts(1, 4, { ...ironkv, createHost }));
    expect(complete).toBe(false);
    expect(found).toMatchObject([{ code: 'STATE_MISMATCH' }]);
    // A write is executed, and its key moves away.
    expect(found[0]?.trace).toHaveLength(3);
  });
});
