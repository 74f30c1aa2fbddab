/** Exactly-once on all states of a small model: the bounded sessions against the ghost of everything executed. */
import { describe, expect, it } from 'vitest';
import { explore } from '../../src/refinement/explorer.js';
import { exactlyOnce, type Rule, sessionsModel } from '../../systems/ironrsm/exploration.js';

const found = async (rule: Rule, sessions = 2, seqnos = 2) => {
  const { found: violations } = await explore(sessionsModel(sessions, seqnos, rule));
  return violations[0]?.rule;
};

const twice = 'no seqno of a session is executed twice';

describe('sessions', () => {
  it.each([
    [1, 3],
    [2, 2],
  ])('execute once in every state of %i sessions with %i seqnos', async (sessions, seqnos) => {
    const result = await explore(sessionsModel(sessions, seqnos));
    expect(result).toMatchObject({ complete: true, found: [], fault: undefined });
    const happened = result.actions.filter(({ generated }) => generated > 0).map(({ action }) => action);
    expect(happened).toEqual(
      expect.arrayContaining(['answerAgain', 'execute', 'giveUp', 'ignore', 'learn', 'refuseReused']),
    );
    expect(happened.includes('refuseExpired')).toBe(sessions > 1);
  });

  it('execute twice where nobody looks at what is done', async () => {
    expect(await found((s, r, w) => (exactlyOnce(s, r, w) === 'answerAgain' ? 'execute' : exactlyOnce(s, r, w)))).toBe(
      twice,
    );
  });

  it('execute twice where a reused seqno is executed', async () => {
    expect(await found((s, r, w) => (exactlyOnce(s, r, w) === 'refuseReused' ? 'execute' : exactlyOnce(s, r, w)))).toBe(
      twice,
    );
  });

  it('execute twice where nobody looks at the floor', async () => {
    expect(
      await found((s, r, w) => (s === undefined ? 'refuseExpired' : exactlyOnce({ ...s, floor: 1 }, r, w + s.floor))),
    ).toBe(twice);
  });

  it('hold more than their window where nobody looks at it', async () => {
    const rule: Rule = (s, r) => exactlyOnce(s, r, Infinity);
    expect(await found(rule, 1, 3)).toBe('what is held is bounded by the window and by the sessions that may live');
  });

  it('execute after their end where nobody looks whether they live', async () => {
    expect(await found((s, r, w) => exactlyOnce(s ?? { id: r.session, floor: 1, done: [] }, r, w))).toBe(
      'a session that expired executes nothing',
    );
  });

  it('answer wrongly where a reused seqno gets the reply of the other value', async () => {
    expect(
      await found((s, r, w) => (exactlyOnce(s, r, w) === 'refuseReused' ? 'answerAgain' : exactlyOnce(s, r, w))),
    ).toMatch(/^a request is answered with the result of its one execution/);
  });
});
