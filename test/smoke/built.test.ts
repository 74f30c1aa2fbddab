/** What is published loads under plain Node: neither a bundler nor a test runner stands between. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `code` as a module in a Node of its own, in the package's folder; what it printed. */
const run = (code: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: root, encoding: 'utf8' });

const exportsOf = (specifier: string): readonly string[] =>
  JSON.parse(run(`console.log(JSON.stringify(Object.keys(await import('${specifier}'))))`)) as readonly string[];

interface Packed {
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const packed = (): readonly Packed[] =>
  JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as readonly Packed[];

describe('the built package', () => {
  it('is there (`npm test` builds it)', () => {
    expect(existsSync(`${root}dist/src/index.js`)).toBe(true);
  });

  it('loads by its file under plain Node', () => {
    expect(exportsOf('./dist/src/index.js').length).toBeGreaterThan(0);
  });

  it.each(['ironkeel', 'ironkeel/systems/lock', 'ironkeel/systems/ironrsm'])('resolves %s by its exports', (name) => {
    expect(exportsOf(name).length).toBeGreaterThan(0);
  });

  it('has a command that runs as it stands in the checkout', () => {
    expect(statSync(`${root}bin/ironkeel.js`).mode & 0o111).toBe(0o111);
    expect(execFileSync(`${root}bin/ironkeel.js`, ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('carries the command, the code and the documents, and no tests', () => {
    const [{ files } = { files: [] }] = packed();
    const paths = files.map(({ path }) => path);
    const expected = ['bin/ironkeel.js', 'dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/cli/main.js'];
    expect(paths).toEqual(expect.arrayContaining(expected));
    expect(paths).toEqual(expect.arrayContaining(['dist/systems/lock/index.js', 'dist/systems/ironrsm/index.js']));
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']));
    expect(paths.filter((path) => /^(dist\/)?(test|bench|node_modules)\//.test(path))).toEqual([]);
    expect(files.find(({ path }) => path === 'bin/ironkeel.js')?.mode).toBe(0o755);
  });
});
