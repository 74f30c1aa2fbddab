/** The protocol alone: random behaviors of clusters, with every invariant and the refinement of the service judged. */
import { expect, test } from 'vitest';
import { RandomWalk } from './random-walk.js';

const seeds = Array.from({ length: 30 }, (_, i) => i + 1);

test('random behaviors of clusters keep every invariant and refine one hash table (seeds 1 to 30)', () => {
  const sums: Record<string, number> = {};
  let executed = 0;
  for (const seed of seeds) {
    let walked: ReturnType<RandomWalk['run']>;
    try {
      walked = new RandomWalk(seed).run(3000);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`);
    }
    executed += walked.executed;
    for (const [name, count] of Object.entries(walked.counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  expect(executed).toBeGreaterThan(1000);
  const reached = ['move completed', 'inform', 'resend', 'expire', 'announce', 'redirect', 'refused OUT_OF_ORDER'];
  for (const name of [...reached, 'refused SESSION_EXPIRED', 'shardReply ALREADY_MOVING', 'shardReply TOO_MANY_MOVES'])
    expect(sums[name] ?? 0, name).toBeGreaterThan(10);
});
