/** Plants fit the built code, and the command says so when one does not, or is not caught. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { patchesOf, plants } from '../../src/cli/plants.js';
import { applyPatch, kindOf, PatchMismatch } from '../../src/refinement/plant.js';
import { Bench, lastJson } from './command-line.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

const names = Object.entries(plants).flatMap(([system, list]) => list.map(({ id }) => `${system}/${id}`));

/** The built package with one file changed, in a folder of its own; its executable file. */
const changedPackage = (file: string, change: (source: string) => string): string => {
  const folder = join(bench.folder, 'package');
  mkdirSync(folder);
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const path = join(folder, 'dist', file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  return join(folder, 'bin/ironkeel.js');
};

describe('the corpus', () => {
  it('has a name of its own for each plant', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(names)('patches the built code: %s', (name) => {
    const sources = new Map<string, string>();
    for (const patch of patchesOf(name)) {
      const source = sources.get(patch.file) ?? readFileSync(join(root, 'dist', patch.file), 'utf8');
      sources.set(patch.file, applyPatch(source, patch));
    }
    expect(sources.size).toBeGreaterThan(0);
  });

  it('has bugs, controls and faults of checks', () => {
    const kinds = Object.values(plants).flatMap((list) => list.map(kindOf));
    for (const kind of ['bug', 'control', 'check fault']) expect(kinds).toContain(kind);
  });

  it('names, for each fault of a check, a bug that the check catches', () => {
    for (const list of Object.values(plants)) {
      for (const { breaks, checks } of list.filter((plant) => kindOf(plant) === 'check fault')) {
        const bug = list.find(({ id }) => id === breaks);
        expect(bug === undefined ? undefined : kindOf(bug)).toBe('bug');
        expect(checks.some((check) => bug?.checks.includes(check))).toBe(true);
      }
    }
  });
});

describe('a patch', () => {
  const patch = { file: 'a.js', find: 'if (a < b)\n return 1;', replace: 'return $&;' };

  it('takes all blanks for equal, and its replacement as it stands', () => {
    expect(applyPatch('x; if (a <   b) return 1; y;', patch)).toBe('x; return $&; y;');
  });

  it.each([
    ['nowhere', 'x;', 0],
    ['twice', 'if (a < b) return 1; if (a < b) return 1;', 2],
  ])('that fits %s is refused', (_, source, times) => {
    expect(() => applyPatch(source, patch)).toThrow(PatchMismatch);
    expect(() => applyPatch(source, patch)).toThrow(`occurs ${times} times in a.js`);
  });
});

describe('ironkeel plants', () => {
  it('shows a bug caught by the check named, before anything left the node', async () => {
    const { code, stdout } = await bench.run('plants', 'ironrsm', '--only', 'R16', '--json');
    expect(code).toBe(0);
    const json = lastJson(stdout);
    expect(json).toMatchObject({ ok: true, command: 'plants', planted: 1, caught: 1, controls: 0, falseAlarms: 0 });
    expect(json.rows).toMatchObject([{ id: 'R16', caughtBy: 'RC', asExpected: true, stoppedBeforeRelease: true }]);
  });

  it('shows a control that stays green', async () => {
    const { code, stdout } = await bench.run('plants', 'lock', '--only', 'LC3', '--json');
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ ok: true, planted: 0, controls: 1, falseAlarms: 0 });
  });

  it('notices a refinement check that compares nothing', async () => {
    const { code, stdout } = await bench.run('plants', 'ironrsm', '--only', 'D2', '--json');
    expect(code).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ ok: true, planted: 0, checkFaults: 1, noticed: 1 });
  });

  it('counts a plant whose patch does not fit as FAILED, and ends with 1', async () => {
    const bin = changedPackage('systems/ironrsm/host/learner.js', (source) =>
      source.replace('insertAscending(slot.senders, sender)', 'insertAscending(slot.senders, sender, undefined)'),
    );
    const command = [bin, 'plants', 'ironrsm', '--only', 'R16', '--json'];
    const { status, stdout } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    expect(status).toBe(1);
    const json = lastJson(stdout);
    expect(json).toMatchObject({ ok: false, planted: 1, caught: 0 });
    expect(json.rows).toMatchObject([{ id: 'R16', asExpected: false }]);
    expect(stdout).toMatch(/FAILED: .*occurs 0 times in systems\/ironrsm\/host\/learner\.js/);
  });

  it('refuses systems and plants that it does not know', async () => {
    expect((await bench.run('plants', 'ironkeel')).code).toBe(2);
    const { code, stderr } = await bench.run('plants', '--only', 'R999');
    expect(code).toBe(2);
    expect(stderr).toContain('There is no planted bug "R999"');
  });
});
