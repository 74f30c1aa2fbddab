/** The import rules can fail: a small tree that breaks each of them, judged by the project's own rules. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const rules = join(root, '.dependency-cruiser.cjs');

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

/** Runs the import check on a tree of files (path to contents); `rule: from -> to` of every violation. */
const cruise = (dir: string, files: Readonly<Record<string, string>>): readonly string[] => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  copyFileSync(join(root, 'tsconfig.json'), join(dir, 'tsconfig.json'));
  const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const folders = ['src', 'systems'];
  // The command's exit code is the number of errors.
  const { stdout: output } = spawnSync(
    process.execPath,
    [cli, '--config', rules, '--output-type', 'json', ...folders],
    {
      cwd: dir,
      encoding: 'utf8',
    },
  );
  const { summary } = JSON.parse(output) as { summary: { violations: readonly Violation[] } };
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
};

const x = 'export const x = 1;\n';
const imports = (path: string): string => `import { x } from '${path}';\nexport const y = x;\n`;
const importsType = (path: string): string => `import type { T } from '${path}';\nexport type U = T;\n`;

const packages = {
  'package.json':
    '{ "name": "small", "type": "module", "dependencies": { "io-ts": "1" }, "devDependencies": { "tool": "1" } }',
  ...Object.fromEntries(
    ['vitest', 'fp-ts', 'tool'].flatMap((name) => [
      [`node_modules/${name}/package.json`, `{ "name": "${name}", "version": "1.0.0", "main": "index.js" }`],
      [`node_modules/${name}/index.js`, 'exports.x = 1;\n'],
    ]),
  ),
};

const good = {
  ...packages,
  'src/spec/value.ts': x,
  'src/spec/prelude.ts': x,
  'src/protocol/protocol.ts': imports('../spec/value.js'),
  'src/network/io.ts': imports('../spec/value.js'),
  'src/host/loop.ts': `${imports('../network/io.js').replaceAll('x', 'y').replace('const y', 'const z')}`,
  'src/refinement/judge.ts': "export { y } from '../protocol/protocol.js';\nexport { z } from '../host/loop.js';\n",
  'src/cli/systems.ts': "export * from '../../systems/a/refinement.js';\n",
  'src/vitest/index.ts': imports('vitest'),
  'systems/a/messages.ts': x,
  'systems/a/protocol.ts': imports('./messages.js'),
  'systems/a/protocol/step.ts': imports('../messages.js'),
  'systems/a/host.ts': imports('./messages.js'),
  'systems/a/host/queue.ts': imports('../messages.js'),
  'systems/a/refinement.ts': "export { y } from './host.js';\nexport { y as z } from './protocol.js';\n",
};

/** One file for each breach: what is said of it, its path, its text, and whom the rule names. */
const breaches = [
  ['the spec imports a protocol', 'src/spec/a.ts', imports('../protocol/b.js'), 'spec-stands-alone'],
  ['a protocol imports the network', 'src/protocol/a.ts', importsType('../network/b.js'), 'protocol-knows-spec'],
  ['the network imports a host', 'src/network/a.ts', imports('../host/b.js'), 'network-knows-spec'],
  [
    'a part of clients imports a judge',
    'src/client/a.ts',
    imports('../refinement/b.js'),
    'client-knows-host-network-and-spec',
  ],
  ['the main loop imports a judge', 'src/host/a.ts', imports('../refinement/b.js'), 'host-knows-network-and-spec'],
  [
    'a judge imports the command line',
    'src/refinement/a.ts',
    imports('../cli/b.js'),
    'refinement-knows-what-it-judges',
  ],
  ['a command names a system', 'src/cli/a.ts', imports('../../systems/x/messages.js'), 'src-names-no-system'],
  ['a system imports another', 'systems/x/a.ts', imports('../y/messages.js'), 'systems-are-islands'],
  [
    'a system imports the command line',
    'systems/x/b.ts',
    imports('../../src/cli/b.js'),
    'systems-stand-below-the-command-line',
  ],
  ['a host imports its protocol', 'systems/x/host.ts', imports('./protocol.js'), 'host-never-imports-what-judges-it'],
  [
    'a host imports a type of its protocol',
    'systems/y/host.ts',
    importsType('./protocol.js'),
    'host-never-imports-what-judges-it',
  ],
  [
    'a file of a host imports the spec',
    'systems/x/host/a.ts',
    imports('../spec.js'),
    'host-never-imports-what-judges-it',
  ],
  [
    'a host reaches its invariants by way of a third file',
    'systems/z/host.ts',
    imports('./third.js'),
    'host-never-imports-what-judges-it',
  ],
  ['a host imports a judge', 'systems/x/host/b.ts', imports('../../../src/refinement/b.js'), 'host-knows-no-judge'],
  ['a protocol imports its host', 'systems/v/protocol/a.ts', imports('../host.js'), 'judge-never-imports-the-host'],
  ['an invariant reaches the host', 'systems/v/invariants.ts', imports('./host.js'), 'judge-never-imports-the-host'],
  ['two files import each other', 'src/cli/one.ts', `${imports('./two.js')}`, 'no-cycles'],
  ["two files import each other's types", 'src/cli/here.ts', importsType('./there.js'), 'no-cycles'],
  ['the package imports the test runner', 'src/cli/c.ts', imports('vitest'), 'package-loads-without-the-test-runner'],
  [
    'the package goes through its door to the test runner',
    'src/cli/g.ts',
    imports('../vitest/b.js'),
    'nothing-stands-on-the-test-runner',
  ],
  ['another file than the prelude imports fp-ts', 'src/cli/d.ts', imports('fp-ts'), 'prelude-alone-names-fp-ts'],
  ['an import names no file', 'src/cli/e.ts', imports('./nowhere.js'), 'imports-resolve'],
  ['the package uses a tool of its developers', 'src/cli/f.ts', imports('tool'), 'package-lists-what-it-uses'],
] as const;

const targets = {
  'src/protocol/b.ts': x,
  'src/network/b.ts': `${x}export type T = number;\n`,
  'src/host/b.ts': x,
  'src/refinement/b.ts': x,
  'src/cli/b.ts': x,
  'src/vitest/b.ts': x,
  'src/cli/two.ts': `${imports('./one.js').replace('{ x }', '{ y as x }')}${x.replace(' x ', ' z ')}`,
  'src/cli/there.ts': importsType('./here.js').replace('{ T }', '{ U as T }'),
  ...Object.fromEntries(
    ['v', 'x', 'y', 'z'].flatMap((system) =>
      ['messages', 'protocol', 'spec', 'invariants'].map((door) => [
        `systems/${system}/${door}.ts`,
        `${x}export type T = number;\n`,
      ]),
    ),
  ),
  'systems/z/third.ts': imports('./invariants.js').replace('const y', 'const x1'),
  'systems/v/host.ts': x,
};

describe('the import rules', () => {
  let dir = '';
  let reported: readonly string[] = [];
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'ironkeel-imports-'));
    const broken = Object.fromEntries(breaches.map(([, path, text]) => [path, text]));
    reported = cruise(join(dir, 'bad'), { ...packages, ...targets, ...broken });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('pass a tree that keeps to the layers', () => {
    expect(cruise(join(dir, 'good'), good)).toEqual([]);
  });

  it.each(breaches)('report that %s', (_, path, __, rule) => {
    expect(reported.filter((line) => line.startsWith(`${rule}: ${path} -> `))).not.toEqual([]);
  });

  it('are each shown to fail', () => {
    const { forbidden } = createRequire(import.meta.url)(rules) as { forbidden: readonly { readonly name: string }[] };
    expect(new Set(breaches.map(([, , , rule]) => rule))).toEqual(new Set(forbidden.map(({ name }) => name)));
  });
});
