import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, lastJson, Running } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

/** Runs `explore ... --json`. */
const explored = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await bench.run('explore', ...args, '--json');
  return { code, stderr, json: lastJson(stdout) };
};

describe('ironkeel explore', () => {
  it('explores two-phase commit and says what it counted', async () => {
    const { code, json } = await explored('two-phase-commit');
    expect(code).toBe(0);
    expect(json).toMatchObject({
      ok: true,
      command: 'explore',
      generated: 1_146,
      distinct: 288,
      depth: 10,
      complete: true,
    });
    expect(json).toMatchObject({ violations: 0, found: [], workers: 1, symmetry: false, size: 3 });
    expect(json.seconds).toBeTypeOf('number');
  });

  it.each([
    ['two-phase-commit', ['--size', '6']],
    ['paxos', []],
    ['lock', []],
    ['ironkv', []],
    ['ironrsm', ['--operations', '1']],
  ])('counts the states of %s on two threads as on one', async (model, args) => {
    const counts = ({ generated, distinct, depth, complete, reached, rows }: Record<string, unknown>) => {
      const of = (rows as { action: string; generated: number }[]).map((row) => [row.action, row.generated]);
      return { generated, distinct, depth, complete, reached, of };
    };
    const one = await explored(model, ...args);
    const two = await explored(model, ...args, '--workers', '2');
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(counts(two.json)).toEqual(counts(one.json));
  });

  it('goes on from a checkpoint, on as many threads as asked, to the same result', async () => {
    const file = join(bench.folder, 'checkpoint');
    const first = await explored('two-phase-commit', '--size', '6', '--max-states', '20000', '--checkpoint', file);
    expect(first).toMatchObject({ code: 4, json: { ok: false, complete: false, stopped: 'states' } });
    for (const workers of ['1', '2']) {
      const { code, json } = await explored('two-phase-commit', '--size', '6', '--resume', file, '--workers', workers);
      expect(code).toBe(0);
      expect(json).toMatchObject({ distinct: 50_816, generated: 402_306, depth: 19, complete: true });
    }
    const paxosFile = join(bench.folder, 'paxos');
    await explored('paxos', '--max-states', '1000', '--checkpoint', paxosFile, '--workers', '2');
    const { json } = await explored('paxos', '--resume', paxosFile, '--workers', '2');
    expect(json).toMatchObject({ distinct: 3_921, generated: 23_563, depth: 16, complete: true });
  });

  it('judges the induction of the lock', async () => {
    const { code, json } = await explored('lock', '--inductive', '--size', '2', '--bound', '3');
    expect(code).toBe(0);
    expect(json).toMatchObject({ inductive: true, violations: 0, complete: true });
  });

  it.each([
    ['R16', 'an executed operation was chosen, and is what was chosen', 4],
    ['R19', 'whoever promised a ballot has reported its votes below it, and casts none after', 4],
    ['R20', 'a promise never goes back', 3],
    ['R21', 'a reported vote was cast, below the ballot of the promise', 4],
    ['R23', 'an executed operation was chosen, and is what was chosen', 6],
  ])('finds %s planted in the protocol of IronRSM with a shortest trace', async (plant, rule, states) => {
    const { code, json } = await explored('ironrsm', '--plant', plant);
    expect(code).toBe(1);
    const [found] = json.found as { rule: string; trace: unknown[]; replay: string }[];
    expect(found?.rule).toBe(rule);
    expect(found?.trace).toHaveLength(states);
    expect(found?.replay).toContain(`--plant ${plant}`);
  });

  it.each([
    ['K1', 'EachKeyClaimedInExactlyOnePlace', 7],
    ['K6', 'AcksAreOfReceived', 4],
    ['K7', 'OnlySentIsReceived', 2],
    ['K8', 'OnlyTheAllowedMove', 2],
    ['K9', 'MovesAreOwned', 2],
    ['K9b', 'MovesAreOwned', 2],
    ['K10', 'the cluster abstracts to the state that the service reached', 8],
    ['K12', 'a move under way leads to none', 7],
    ['K14', 'every protocol step refines steps of the service', 6],
  ])('finds %s planted in the protocol of IronKV with a shortest trace', async (plant, rule, states) => {
    const { code, json } = await explored('ironkv', '--plant', plant);
    expect(code).toBe(1);
    const [found] = json.found as { rule: string; trace: unknown[]; replay: string }[];
    expect(found?.rule).toBe(rule);
    expect(found?.trace).toHaveLength(states);
    expect(found?.replay).toContain(`--plant ${plant}`);
  });

  it.each([
    ['K15', 'INVARIANT', 'SessionsAreAnnounced'],
    ['K18', 'LEADS_TO', 'a bound that grew is heard'],
    ['K19', 'INVARIANT', 'OrderIsKept'],
  ])('finds %s planted in the protocol of sessions of IronKV', async (plant, code, rule) => {
    const result = await explored('ironkv-sessions', '--plant', plant);
    expect(result.code).toBe(1);
    expect(result.json.found).toMatchObject([{ code, rule }]);
  });

  it('judges only the property asked for', async () => {
    const { code, json } = await explored('ironrsm', '--plant', 'R19', '--property', 'at most one batch');
    expect(code).toBe(1);
    expect(json.found).toMatchObject([{ rule: 'at most one batch is chosen for an operation' }]);
  });

  it.each(['lock', 'ironkv'])('explores host code of %s', async (system) => {
    const { code, json } = await explored(system, '--hosts');
    expect(code).toBe(0);
    expect(json).toMatchObject({ hosts: true, violations: 0, complete: true });
  });

  it('is incomplete where memory runs out', async () => {
    const env = { NODE_OPTIONS: '--max-old-space-size=150' };
    const { code, stdout } = await new Running(['explore', 'paxos', '--size', '5', '--bound', '4', '--json'], env)
      .ended;
    expect(code).toBe(4);
    expect(lastJson(stdout)).toMatchObject({ ok: false, complete: false, stopped: 'memory' });
  });

  it.each<[readonly string[], RegExp]>([
    [
      ['nothing'],
      /There is no model "nothing" to explore: choose from lock, ironkv, ironkv-sessions, ironrsm, two-phase-commit, paxos, sessions\./,
    ],
    [
      ['two-phase-commit', '--size', '13'],
      /--size of two-phase-commit is the number of resource managers, from 1 to 12/,
    ],
    [['two-phase-commit', '--bound', '2'], /--bound means nothing to two-phase-commit/],
    [['lock', '--symmetry'], /declares no symmetry/],
    [['paxos', '--inductive'], /states no inductive invariants/],
    [['paxos', '--workers', '0'], /--workers takes a whole number from 1 to 64/],
    [['paxos', '--resume', '/no/such/file'], /\/no\/such\/file cannot be read/],
    [['two-phase-commit', '--size', '8', '--max-states', '9', '--checkpoint', '/no/such/file'], /cannot be written/],
  ])('refuses %j in one sentence', async (args, sentence) => {
    const { code, stderr } = await bench.run('explore', ...args);
    expect(stderr).toMatch(/^ironkeel: [^\n]*\n$/);
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });

  it('ends with 130 when it is interrupted', async () => {
    const running = bench.start('explore', 'two-phase-commit', '--size', '11');
    await running.printed('exploring');
    running.child.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('incomplete: it was interrupted');
  });
});
