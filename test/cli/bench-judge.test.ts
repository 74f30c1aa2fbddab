import { describe, expect, it } from 'vitest';
import { measureJudge } from '../../src/cli/bench/judge.js';
import { measureKvJudge } from '../../src/cli/bench/judge-kv.js';

describe('the benchmark of the judge', () => {
  it.each([
    { logLength: 20, sessions: 3, stateBytes: 20_000 },
    { logLength: 150, sessions: 200, stateBytes: 500_000 },
  ])('brings a leader to the size that it measures: $logLength operations, $sessions sessions', (size) => {
    const row = measureJudge(size, 40);
    expect(row).toMatchObject({ ...size, steps: 40, sessionsAtEnd: size.sessions });
    expect(Math.abs((row.logLengthAtEnd ?? 0) - size.logLength)).toBeLessThanOrEqual(3);
    expect(row.bytesAtEnd).toBe(size.stateBytes);
    expect(row.microsPerStep).toBeGreaterThan(0);
  });

  it.each([10, 700])('fills a table of IronKV to the size that it measures: %d keys', (keys) => {
    const row = measureKvJudge(keys, 40);
    expect(row).toMatchObject({ keys, keysAtEnd: keys, steps: 40 });
    expect(row.microsPerSet).toBeGreaterThan(0);
    expect(row.microsPerSetP99).toBeGreaterThanOrEqual(row.microsPerSet);
  });
});
