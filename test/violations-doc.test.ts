import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const sourcesUnder = (dir: string): readonly string[] =>
  readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, dir, file), 'utf8'));

/** The codes that a source text gives to violations. */
const codesIn = (source: string): readonly string[] =>
  [...source.matchAll(/(?:violated\(\s*|code: |code = )'([A-Z][A-Z_]+)'/g)].map((m) => m[1] as string);

const listed = new Set(
  [...readFileSync(join(root, 'docs/violations.md'), 'utf8').matchAll(/^\| (.*?) \|/gm)].flatMap((row) =>
    [...(row[1] as string).matchAll(/`([A-Z_]+)`/g)].map((m) => m[1] as string),
  ),
);

describe('docs/violations.md', () => {
  it('lists every code that a check can report', () => {
    const codes = new Set(['src', 'systems'].flatMap(sourcesUnder).flatMap(codesIn));
    expect(codes.size).toBeGreaterThan(15);
    expect([...codes].filter((code) => !listed.has(code))).toEqual([]);
  });

  it('would be found wanting: codes are seen in each way of writing them', () => {
    const source =
      "violated('ONE', rule); violated(\n 'TWO_A', rule); ({ code: 'THREE', rule }); const f = (code = 'FOUR') => code;";
    expect(codesIn(source)).toEqual(['ONE', 'TWO_A', 'THREE', 'FOUR']);
    expect(listed.has('ONE')).toBe(false);
  });
});
