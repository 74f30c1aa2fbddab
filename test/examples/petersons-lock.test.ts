import { describe, expect, it } from 'vitest';
import { petersonsLock } from '../../examples/petersons-lock.js';
import { explore } from '../../src/refinement/explorer.js';

describe("Peterson's lock", () => {
  it('is safe and lets everybody in', async () => {
    expect(await explore(petersonsLock)).toMatchObject({ complete: true, cut: 0, found: [], fault: undefined });
  });

  it('starves both where nobody owes process 0 a step', async () => {
    const { found } = await explore({ ...petersonsLock, fair: ({ process }) => process === 1 });
    expect(found.map(({ code, rule }) => `${code}: ${rule}`)).toEqual([
      'LEADS_TO: process 0 gets in',
      'LEADS_TO: process 1 gets in',
    ]);
  });

  it('lets two in where nobody looks at the turn or the flag, with a shortest trace', async () => {
    const { found } = await explore({
      ...petersonsLock,
      next: (s, action) => {
        const free = { ...s, flag: [false, false] as const };
        return action.tag === 'enter' ? petersonsLock.next(free, action) : petersonsLock.next(s, action);
      },
    });
    expect(found).toMatchObject([{ code: 'INVARIANT', rule: 'at most one process is in its critical section' }]);
    expect(found[0]?.trace).toHaveLength(7);
  });
});
