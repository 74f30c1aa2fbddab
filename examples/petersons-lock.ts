/**
 * Peterson's lock for two processes (1981) as a model, in a page: no network, only shared variables. Run as a test; try to
 * drop the turn, and see it fail.
 */
import { type ActionModel, always, leadsTo, noDeadlock, sometimes } from '../src/refinement/explorer.js';

type Process = 0 | 1;

interface Peterson {
  /** Where each process is. */
  readonly at: readonly ['idle' | 'wants' | 'waits' | 'critical', 'idle' | 'wants' | 'waits' | 'critical'];
  readonly flag: readonly [boolean, boolean];
  /** Who goes first if both want to. */
  readonly turn: Process;
}

/** An action is a value: two that differ in any field are two instances, each with weak fairness of its own. */
type Action = { readonly tag: 'ask' | 'yield' | 'enter' | 'leave'; readonly process: Process };

const set = <T>(pair: readonly [T, T], i: Process, item: T): readonly [T, T] =>
  i === 0 ? [item, pair[1]] : [pair[0], item];

const next = (s: Peterson, { tag, process: i }: Action): Peterson | undefined => {
  const other: Process = i === 0 ? 1 : 0;
  switch (tag) {
    case 'ask':
      return s.at[i] === 'idle' ? { ...s, at: set(s.at, i, 'wants'), flag: set(s.flag, i, true) } : undefined;
    case 'yield':
      return s.at[i] === 'wants' ? { ...s, at: set(s.at, i, 'waits'), turn: other } : undefined;
    case 'enter':
      // Either the other does not want to, or it yielded last.
      return s.at[i] === 'waits' && (!s.flag[other] || s.turn === i)
        ? { ...s, at: set(s.at, i, 'critical') }
        : undefined;
    case 'leave':
      return s.at[i] === 'critical' ? { ...s, at: set(s.at, i, 'idle'), flag: set(s.flag, i, false) } : undefined;
  }
};

const actions: readonly Action[] = ([0, 1] as const).flatMap((process) =>
  (['ask', 'yield', 'enter', 'leave'] as const).map((tag): Action => ({ tag, process })),
);

/** The model: where it starts, what may happen, where that leads, and what is stated of it. */
export const petersonsLock: ActionModel<Peterson, Action> = {
  name: "Peterson's lock",
  init: () => [{ at: ['idle', 'idle'], flag: [false, false], turn: 0 }],
  actions: () => actions,
  next,
  // Nobody must want the lock; who wants it must go on.
  fair: ({ tag }) => tag !== 'ask',
  properties: [
    always('at most one process is in its critical section', ({ at }) => at[0] !== 'critical' || at[1] !== 'critical'),
    noDeadlock(),
    sometimes('both wait', ({ at }) => at[0] === 'waits' && at[1] === 'waits'),
    leadsTo(
      'process 0 gets in',
      ({ at }) => at[0] === 'wants',
      ({ at }) => at[0] === 'critical',
    ),
    leadsTo(
      'process 1 gets in',
      ({ at }) => at[1] === 'wants',
      ({ at }) => at[1] === 'critical',
    ),
  ],
};
