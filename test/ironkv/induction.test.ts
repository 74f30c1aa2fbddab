/** IronKV's invariants on keys and streams, as an inductive whole. */
import { describe, expect, it } from 'vitest';
import { ironkvInduction } from '../../systems/ironkv/induction.js';

const slow = 240_000;

describe("IronKV's invariants", () => {
  it(
    'are kept by every step from every state of a small domain that satisfies them',
    () => {
      const result = ironkvInduction(1, 1);
      expect(result).toMatchObject({ found: undefined, initiallyFalse: undefined });
      expect(result).toMatchObject({ candidates: 23_564, drawn: 11_184, steps: 111_172 });
    },
    slow,
  );

  it('rest on each other: without MovesAreOwned a host gives away what it does not own', () => {
    const { found } = ironkvInduction(1, 1, 'MovesAreOwned');
    expect(found).toMatchObject({ invariant: 'EachKeyClaimedInExactlyOnePlace' });
    expect(found?.action).toContain('delegate');
  });
});
