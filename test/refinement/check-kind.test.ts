/** The codes of violations: each that the sources can produce belongs to a check and stands in a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkOf, stopsNode } from '../../src/refinement/check-kind.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('check-kind.test.ts'))
    .map((path) => readFileSync(join(root, folder, path), 'utf8'));

const tests = sources('test').join('\n');

/** `violated('CODE'`, `code: 'CODE'` and default arguments `code = 'CODE'`. */
const codes = [
  ...new Set(
    [...sources('src/refinement'), ...sources('src/host'), ...sources('systems')].flatMap((text) =>
      [...text.matchAll(/(?:violated\(\s*|code(?::| =) )'([A-Z][A-Z_]+)'/g)].map((match) => match[1] as string),
    ),
  ),
].sort();

describe('the codes of violations', () => {
  it('are found in the sources', () => {
    expect(codes).toEqual(expect.arrayContaining(['HOST_THREW', 'INVARIANT', 'SENDS_MISMATCH', 'STATE_MISMATCH']));
  });

  it.each(codes)('include %s, which a test reports', (code) => {
    expect(tests.includes(`'${code}'`)).toBe(true);
  });

  it.each(codes.filter((code) => code !== 'JUDGE_THREW'))('include %s, which belongs to a check', (code) => {
    expect(checkOf(code)).not.toBe('JUDGE');
  });

  it('that nobody knows are a fault of the judge, which stops no node in the name of a rule', () => {
    expect(checkOf('NO_SUCH_CODE')).toBe('JUDGE');
    expect(stopsNode('JUDGE')).toBe(false);
    expect((['RC', 'RED', 'SEC', 'HOST'] as const).every(stopsNode)).toBe(true);
    expect((['INV', 'REF'] as const).some(stopsNode)).toBe(false);
  });
});
