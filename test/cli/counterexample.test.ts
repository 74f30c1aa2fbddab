/** Counterexamples on the command line: saved, run again, exported; and files that are none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bench, lastJson } from './command-line.js';

let bench: Bench;
let saved: string;
let text: string;
beforeAll(async () => {
  bench = new Bench();
  saved = join(bench.folder, 'saved.json');
  const args = [
    '--plant',
    'L4',
    '--seed',
    '1',
    '--runs',
    '20',
    '--steps',
    '300',
    '--jobs',
    '1',
    '--out',
    saved,
    '--json',
  ];
  const simulated = await bench.run('simulate', 'lock', ...args);
  expect(simulated.stderr).toBe('');
  expect(simulated.code).toBe(1);
  expect(lastJson(simulated.stdout)).toMatchObject({
    ok: false,
    saved: { path: saved, deterministic: true, minimal: true },
  });
  text = readFileSync(saved, 'utf8');
}, 60_000);
afterAll(() => bench.clean());

describe('a saved counterexample', () => {
  it('is small, and names the bug that was planted', () => {
    const file = JSON.parse(text) as { readonly plant: string; readonly schedule: readonly unknown[] };
    expect(file.plant).toBe('L4');
    expect(file.schedule.length).toBeLessThanOrEqual(10);
  });

  it('runs again with its planted bug, to the same hash and the same violation', async () => {
    const replayed = await bench.run('replay', saved, '--json');
    expect(replayed.code).toBe(1);
    expect(replayed.stdout).toContain('found again, by the same steps');
    const { traceHash } = JSON.parse(text) as { readonly traceHash: string };
    expect(lastJson(replayed.stdout)).toMatchObject({ command: 'replay', same: true, deterministic: true, traceHash });
  }, 30_000);

  it.each(['itf', 'shiviz', 'html'])(
    'is exported as %s',
    async (format) => {
      const out = join(bench.folder, `trace.${format}`);
      const ended = await bench.run('trace', 'export', '--format', format, saved, '--out', out);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(out, 'utf8').length).toBeGreaterThan(200);
      expect((await bench.run('trace', 'export', '--format', format, saved)).stdout).toBe(readFileSync(out, 'utf8'));
    },
    30_000,
  );
});

describe('a file that is no counterexample of this program', () => {
  it.each([
    ['is truncated', () => text.slice(0, text.length / 2), /is no trace: it is truncated or not JSON/],
    ['is foreign', () => '{"#meta": {}, "vars": [], "states": []}', /is neither a counterexample nor a node's trace/],
    ['has another version', () => text.replace('"version": 2', '"version": 7'), /is a counterexample of version 7/],
    ['was changed', () => text.replace(/"seed":\d+/, '"seed":4711'), /was changed after it was written/],
  ])('is refused in one sentence where it %s', async (_, damaged, sentence) => {
    const path = bench.file('damaged.json', damaged());
    const { code, stdout, stderr } = await bench.run('replay', path);
    expect(stderr).toMatch(/^ironkeel: [^\n]*\n$/);
    expect(stderr).toMatch(sentence);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('cannot be exported either, nor in a format that is not known', async () => {
    const path = bench.file('foreign.json', '[]');
    expect(await bench.run('trace', 'export', '--format', 'html', path)).toMatchObject({ code: 2, stdout: '' });
    const unknown = await bench.run('trace', 'export', '--format', 'pdf', saved);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Allowed choices are itf, shiviz, html/);
  });
});
