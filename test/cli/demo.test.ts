import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../src/cli/demo/ledger.js';
import { Bench, lastJson } from './command-line.js';

describe('the ledger of acknowledged requests', () => {
  it('contradicts a counter below its acknowledged increments, and one above all that were sent', () => {
    const ledger = new Ledger();
    for (const known of [true, true, false]) ledger.incremented('count', known);
    expect(ledger.acknowledged).toBe(2);
    expect(ledger.unknown).toBe(1);
    expect([2, 3].map((n) => ledger.contradiction('count', n))).toEqual([undefined, undefined]);
    const low = ledger.contradiction('count', 0);
    expect(low).toEqual({ key: 'count', found: 0, atLeast: 2, atMost: 3 });
    expect(low && ledger.lost(low)).toBe(2);
    const high = ledger.contradiction('count', 4);
    expect(high && ledger.lost(high)).toBe(0);
  });

  it('contradicts a key that holds an older value than the last acknowledged one', () => {
    const ledger = new Ledger();
    ledger.wrote('note', 3, true);
    ledger.wrote('note', 6, false);
    expect([3, 6].map((n) => ledger.contradiction('note', n))).toEqual([undefined, undefined]);
    const old = ledger.contradiction('note', 0);
    expect(old && ledger.lost(old)).toBe(1);
    expect(ledger.contradiction('note', 9)).toBeDefined();
    expect(ledger.keys()).toEqual(['note']);
  });
});

/** Whether a process runs. One that has ended, and whose new parent has not asked how, does not. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No Linux, or it has ended meanwhile.
    return process.platform !== 'linux';
  }
};

describe('the demo', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.clean());

  it('kills the leader and moves a shard under load, loses nothing, and ends by itself', async () => {
    const { code, stdout, stderr } = await bench.run('demo', '--seconds', '4', '--json');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const result = lastJson(stdout);
    expect(result).toMatchObject({ ok: true, command: 'demo', violations: 0, lost: 0, contradictions: 0, nodes: 3 });
    expect(Number(result.requestsAnswered)).toBeGreaterThan(100);
    expect(result.stepsChecked).toBe(result.steps);
    expect(stderr).toContain('Killing the leader');
    expect(result.shard).toMatchObject({ lost: 0, contradictions: 0, violations: 0, failed: 0 });
    expect((result.shard as { keysMoved: number }).keysMoved).toBeGreaterThan(0);
  });

  it('leaves no process behind when it is killed itself', async () => {
    const demo = bench.start('demo', '--seconds', '20');
    await demo.printed('clients increment');
    const pids = [...demo.stdout.matchAll(/process (\d+)/g)].map((m) => Number(m[1]));
    expect(pids).toHaveLength(3);
    demo.child.kill('SIGKILL');
    await expect.poll(() => pids.filter(isRunning), { timeout: 40_000 }).toEqual([]);
  });

  it('measures with bench, and counts every step as checked', async () => {
    const { code, stdout } = await bench.run('bench', 'rsm', '--clients', '4', '--seconds', '3', '--json');
    expect(code).toBe(0);
    const result = lastJson(stdout);
    expect(result).toMatchObject({ ok: true, errors: 0, nodes: 3, check: 'inline', app: 'kv', violations: 0 });
    expect(Number(result.requestsPerSecond)).toBeGreaterThan(0);
    expect(result.stepsChecked).toBe(result.steps);
  });

  it('measures clients that keep several requests outstanding', async () => {
    const flags = ['--clients', '2', '--bundle', '64', '--seconds', '3', '--json'] as const;
    const { code, stdout } = await bench.run('bench', 'rsm', ...flags, '--app', 'counter');
    expect(code).toBe(0);
    const result = lastJson(stdout);
    expect(result).toMatchObject({ ok: true, errors: 0, clients: 2, bundle: 64, app: 'counter', violations: 0 });
    expect(Number(result.requests)).toBeGreaterThan(0);
  });

  it('measures reads of values that are there', async () => {
    const flags = ['--clients', '2', '--seconds', '1', '--op', 'get', '--value-bytes', '40', '--json'] as const;
    const { code, stdout } = await bench.run('bench', 'rsm', ...flags);
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ ok: true, errors: 0, app: 'kv', op: 'get', valueBytes: 40 });
  });
});
