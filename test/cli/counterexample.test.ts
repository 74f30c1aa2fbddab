/** Counterexamples on the command line: saved, run again, exported; and files that are none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, lastJson } from './command-line.js';

let bench: Bench;
beforeAll(() => {
  bench = new Bench();
});
afterAll(() => bench.clean());

interface Kind {
  readonly kind: string;
  readonly system: string;
  readonly plant: string;
  readonly check: string;
  /** The first one; 1 where none is named. */
  readonly seed?: string;
  readonly args: readonly string[];
}

const kinds: readonly Kind[] = [
  { kind: 'of a step', system: 'lock', plant: 'L4', check: 'RC', args: ['--runs', '20', '--steps', '300'] },
  {
    kind: 'of a history',
    system: 'ironrsm',
    plant: 'R38',
    check: 'LIN',
    // A seed whose schedule is soon shrunk.
    seed: '101',
    args: ['--runs', '60', '--steps', '1000', '--faults', 'partition,one-way,delay'],
  },
  { kind: 'of a whole run', system: 'lock', plant: 'L3', check: 'LIVE', args: ['--runs', '60', '--steps', '300'] },
];

describe.each(kinds)('a saved counterexample $kind', ({ system, plant, check, seed = '1', args }) => {
  let saved: string;
  let text: string;
  beforeAll(async () => {
    saved = join(bench.folder, `${plant}.json`);
    const flags = ['--plant', plant, '--seed', seed, ...args, '--jobs', '1', '--out', saved, '--json'];
    const simulated = await bench.run('simulate', system, ...flags);
    expect(simulated.stderr).toBe('');
    expect(simulated.code).toBe(1);
    expect(lastJson(simulated.stdout)).toMatchObject({
      ok: false,
      saved: { path: saved, deterministic: true, minimal: true },
    });
    text = readFileSync(saved, 'utf8');
  });

  it('is small, and names the bug that was planted', () => {
    const file = JSON.parse(text) as {
      readonly plant: string;
      readonly schedule: readonly unknown[] | null;
      readonly run: { readonly steps: number; readonly faults: readonly string[] };
    };
    expect(file).toMatchObject({ plant, violation: { check } });
    if (file.schedule !== null) expect(file.schedule.length).toBeLessThanOrEqual(check === 'LIN' ? 30 : 10);
    else expect([file.run.steps < 50, file.run.faults.length <= 4]).toEqual([true, true]);
  });

  it('runs again with its planted bug, to the same hash and the same violation', async () => {
    const replayed = await bench.run('replay', saved, '--json');
    expect(replayed.code).toBe(1);
    expect(replayed.stdout).toContain('found again, by the same steps');
    const { traceHash } = JSON.parse(text) as { readonly traceHash: string };
    expect(lastJson(replayed.stdout)).toMatchObject({ command: 'replay', same: true, deterministic: true, traceHash });
  });

  it.each(['itf', 'shiviz', 'html'])('is exported as %s', async (format) => {
    const out = join(bench.folder, `trace.${format}`);
    const ended = await bench.run('trace', 'export', '--format', format, saved, '--out', out);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(out, 'utf8').length).toBeGreaterThan(200);
    expect((await bench.run('trace', 'export', '--format', format, saved)).stdout).toBe(readFileSync(out, 'utf8'));
  });

  it.each([
    ['is truncated', () => text.slice(0, text.length / 2), /is no trace: it is truncated or not JSON/],
    ['is foreign', () => '{"#meta": {}, "vars": [], "states": []}', /is neither a counterexample nor a node's trace/],
    ['has another version', () => text.replace('"version": 2', '"version": 7'), /is a counterexample of version 7/],
    ['is damaged', () => text.replace('"faults":', '"fault":'), /is a damaged counterexample: .*run/],
    ['was changed', () => text.replace(/"seed":\d+/, '"seed":4711'), /was changed after it was written/],
  ])('is refused in one sentence where its file %s', async (_, damaged, sentence) => {
    const path = bench.file('damaged.json', damaged());
    for (const command of [['replay'], ['trace', 'export', '--format', 'html']]) {
      const { code, stdout, stderr } = await bench.run(...command, path);
      expect(stderr).toMatch(/^ironkeel: [^\n]*\n$/);
      if (command.length === 1) expect(stderr).toMatch(sentence);
      expect(stdout).toBe('');
      expect(code).toBe(2);
    }
  });
});

describe('a file that is no counterexample of this program', () => {
  it('cannot be exported, and none in a format that is not known', async () => {
    const path = bench.file('foreign.json', '[]');
    expect(await bench.run('trace', 'export', '--format', 'html', path)).toMatchObject({ code: 2, stdout: '' });
    const unknown = await bench.run('trace', 'export', '--format', 'pdf', path);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Allowed choices are itf, shiviz, html/);
  });
});

describe('a check of linearizability that always says yes', () => {
  it('is noticed by a canary before any run, and nothing is shown: exit 3', async () => {
    const { code, stderr } = await bench.run('simulate', 'ironrsm', '--plant', 'D4', '--runs', '1', '--jobs', '1');
    expect(stderr).toContain('a history that is not linearizable was planted, and the checks reported nothing');
    expect(code).toBe(3);
  });
});
