/** The check of the documents can fail. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const fence = '```';
const block = (code: string): string => `# Title\n\n${fence}ts\n${code}\n${fence}\n`;

describe('the check of the documents', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ironkeel-docs-'));
    copyFileSync(join(root, 'tsconfig.json'), join(dir, 'tsconfig.json'));
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const check = (
    files: Readonly<Record<string, string>>,
  ): { readonly status: number | null; readonly said: string } => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/check-docs.mjs'), dir], {
      encoding: 'utf8',
    });
    return { status, said: stderr };
  };

  it('passes links that lead somewhere and blocks that type-check beside their document', () => {
    const files = {
      'README.md': `[guide](docs/guide.md#how-to-run) and [above](#title)\n\n${block("import { n } from './src/n.js';\nconst twice: number = 2 * n;")}`,
      'docs/guide.md': '# Guide\n\n## How to run\n\nSee [the code](../src/n.ts) and [a site](https://example.org/).\n',
      'src/n.ts': '/** See docs/guide.md. */\nexport const n = 1;\n',
    };
    expect(check(files)).toEqual({ status: 0, said: '' });
  });

  it.each([
    [
      'a link that leads nowhere',
      { 'README.md': '# Title\n\n[gone](docs/gone.md)\n' },
      'README.md:3: the link docs/gone.md',
    ],
    ['a link to a heading that is not there', { 'README.md': '[gone](#gone)\n\n# Title\n' }, 'README.md:1: #gone'],
    ['a block that does not type-check', { 'docs/a.md': block('const n: number = "one";') }, 'docs/a.md:4: Type'],
    ['a block that imports nothing that is there', { 'a.md': block("import { n } from './gone.js';\nn;") }, 'a.md:4: '],
    ['a comment that names a missing document', { 'src/n.ts': '/** docs/gone.md */\n' }, 'src/n.ts:1: docs/gone.md'],
  ])('reports %s, with its place', (_, files, said) => {
    const result = check(files);
    expect(result.status).toBe(1);
    expect(result.said).toContain(said);
  });
});
