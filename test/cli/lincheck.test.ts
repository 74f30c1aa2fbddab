import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, type Ended, lastJson } from './command-line.js';

let bench: Bench;
let dir: string;
beforeEach(() => {
  bench = new Bench();
  dir = mkdtempSync(join(tmpdir(), 'ironkeel-lincheck-'));
});
afterEach(async () => {
  await bench.clean();
  rmSync(dir, { recursive: true, force: true });
});

const event = (process: number, type: string, f: string, value: string): string =>
  `{:process ${process}, :type :${type}, :f :${f}, :value ${value}}`;

const lincheck = (text: string, ...flags: readonly string[]): Promise<Ended> => {
  const file = join(dir, 'history');
  writeFileSync(file, text);
  return bench.run('lincheck', file, ...flags);
};

const good = [event(0, 'invoke', 'write', '1'), event(0, 'ok', 'write', '1')];
const bad = [...good, event(1, 'invoke', 'read', 'nil'), event(1, 'ok', 'read', 'nil')];

/** Enqueues that overlap, then a dequeue of what was never enqueued: every order must be tried. */
const hard = [
  ...Array.from({ length: 24 }, (_, i) => event(i, 'invoke', 'enqueue', String(i))),
  ...Array.from({ length: 24 }, (_, i) => event(i, 'ok', 'enqueue', String(i))),
  event(99, 'invoke', 'dequeue', 'nil'),
  event(99, 'ok', 'dequeue', '99'),
];

describe('ironkeel lincheck', () => {
  it('ends with exit code 0 on a linearizable history', async () => {
    const { code, stdout } = await lincheck(good.join('\n'), '--model', 'register', '--json');
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({
      ok: true,
      command: 'lincheck',
      answer: 'linearizable',
      operations: 1,
      violations: 0,
    });
  });

  it('ends with exit code 1 and a picture on one that is not', async () => {
    const { code, stdout } = await lincheck(bad.join('\n'), '--model', 'cas-register', '--json');
    expect(code).toBe(1);
    expect(stdout).toContain('NOT linearizable');
    expect(stdout).toMatch(/!\s+client 1 {2}read\(\) -> nil/);
    expect(lastJson(stdout)).toMatchObject({
      ok: false,
      answer: 'not',
      violations: 1,
      found: [{ code: 'NOT_LINEARIZABLE', evidence: { culprit: 'read() -> nil', line: 3, smallest: true } }],
    });
  });

  it('ends with exit code 4 where the time was too short', async () => {
    const { code, stdout } = await lincheck(hard.join('\n'), '--model', 'queue', '--time-limit', '0.3', '--json');
    expect(code).toBe(4);
    expect(stdout).toContain('unknown: out of time');
    expect(lastJson(stdout)).toMatchObject({ ok: false, answer: 'unknown', limit: 'time', violations: 0 });
  });

  it('takes the model from a file of its own format', async () => {
    const operation = { client: 'a', op: 'increment', args: [], call: 1, return: 2, outcome: 'ok', result: 1 };
    const file = { format: 'ironkeel-history', version: 1, model: 'counter', operations: [operation] };
    expect((await lincheck(JSON.stringify(file))).code).toBe(0);
    const { code, stderr } = await lincheck(JSON.stringify({ ...file, model: 'abacus' }));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/names the model "abacus", which is not known here/)]);
  });

  it('refuses bad input in one sentence with its place and exit code 2', async () => {
    const refused = async (text: string, sentence: RegExp, ...flags: readonly string[]): Promise<void> => {
      const { code, stdout, stderr } = await lincheck(text, ...flags);
      expect(stderr).toMatch(/^ironkeel: [^\n]*\n$/);
      expect(stderr).toMatch(sentence);
      expect([code, stdout]).toEqual([2, '']);
    };
    const model = ['--model', 'register'];
    await refused(good.join('\n').slice(0, -5), /history:2: the "{" is never closed/, ...model);
    await refused(event(0, 'ok', 'read', '1'), /history:1: process 0 returns without a call/, ...model);
    await refused(event(0, 'invoke', 'pop', '1'), /history:1: the model register knows read and write/, ...model);
    await refused(good.join('\n'), /lincheck needs --model: choose from register,/);
    await refused(good.join('\n'), /does not know the model "set"/, '--model', 'set');
    await refused(good.join('\n'), /--time-limit takes seconds/, ...model, '--time-limit', 'soon');
    const missing = await bench.run('lincheck', join(dir, 'nothing'), ...model);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('cannot be read (ENOENT)')]);
  });
});
