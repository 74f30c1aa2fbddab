import { describe, expect, test } from 'vitest';
import { O } from '../../src/spec/prelude.js';
import { lockProtocol, type Node, type NodeStep } from '../../systems/lock/protocol.js';
import { a, b, c, configuration, packet, stranger } from './sample.js';

const first = lockProtocol.init(configuration, a);
const second = lockProtocol.init(configuration, b);
const stepped = (s: Node, step: NodeStep) => lockProtocol.step(s, step);
const must = (s: Node, step: NodeStep) => {
  const next = stepped(s, step);
  if (O.isNone(next)) throw new Error(`${step.tag} is not enabled`);
  return next.value;
};
const grantToB = packet(a, b, { tag: 'transfer', epoch: 2 });
const lockedByB = packet(b, a, { tag: 'locked', epoch: 2 });

describe('a node of the lock', () => {
  test('holds the lock in epoch 1 at the start if it is the first, and in none otherwise', () => {
    expect(first).toMatchObject({ epoch: 1, role: { tag: 'holding', grantAtMs: 0 } });
    expect(second).toMatchObject({ epoch: 0, role: { tag: 'waiting' }, place: { previous: a, next: c } });
    expect(lockProtocol.init(configuration, c).place).toMatchObject({ previous: b, next: a });
    expect(() => lockProtocol.init(configuration, stranger)).toThrow('no node of this lock');
  });

  test('grants the lock to the next node in the next epoch, and holds it no more', () => {
    const { state, sends } = must(first, { tag: 'grant', timeMs: 5 });
    expect(sends).toEqual([grantToB]);
    expect(state).toMatchObject({ epoch: 1, role: { tag: 'granting', resendAtMs: 15 } });
    expect(stepped(state, { tag: 'grant', timeMs: 50 })).toEqual(O.none);
    expect(stepped(second, { tag: 'grant', timeMs: 5 })).toEqual(O.none);
  });

  test('accepts a grant of the previous node, answers it, and holds the lock for a while', () => {
    const { state, sends } = must(second, { tag: 'accept', packet: grantToB, timeMs: 100 });
    expect(sends).toEqual([lockedByB]);
    expect(state).toMatchObject({ epoch: 2, role: { tag: 'holding', grantAtMs: 120 } });
    expect(stepped(state, { tag: 'grant', timeMs: 119 })).toEqual(O.none);
    expect(must(state, { tag: 'grant', timeMs: 120 }).sends).toEqual([packet(b, c, { tag: 'transfer', epoch: 3 })]);
  });

  test('accepts no grant of another node, for another node, of an epoch that it knows, or while it holds the lock', () => {
    const accept = (s: Node, source = a, target = b, epoch = 2) =>
      stepped(s, { tag: 'accept', packet: packet(source, target, { tag: 'transfer', epoch }), timeMs: 0 });
    expect(O.isSome(accept(second))).toBe(true);
    expect(accept(second, c)).toEqual(O.none);
    expect(accept(second, stranger)).toEqual(O.none);
    expect(accept(second, a, c)).toEqual(O.none);
    expect(accept(second, a, b, 0)).toEqual(O.none);
    const holder = must(second, { tag: 'accept', packet: grantToB, timeMs: 0 }).state;
    expect(accept(holder, a, b, 5)).toEqual(O.none);
    const granter = must(holder, { tag: 'grant', timeMs: 20 }).state;
    expect(accept(granter, a, b, 2)).toEqual(O.none);
    expect(O.isSome(accept(granter, a, b, 5))).toBe(true);
  });

  test('sends a grant again only when it is due and nothing shows that it arrived', () => {
    const { state } = must(first, { tag: 'grant', timeMs: 5 });
    expect(stepped(state, { tag: 'resend', timeMs: 14 })).toEqual(O.none);
    const again = must(state, { tag: 'resend', timeMs: 15 });
    expect(again.sends).toEqual([grantToB]);
    expect(again.state.role).toEqual({ tag: 'granting', resendAtMs: 25 });
    const settled = must(again.state, { tag: 'settle', packet: lockedByB }).state;
    expect(settled).toMatchObject({ epoch: 1, role: { tag: 'waiting' } });
    expect(stepped(settled, { tag: 'resend', timeMs: 99 })).toEqual(O.none);
    const cameRound = packet(c, a, { tag: 'transfer', epoch: 4 });
    const holder = must(again.state, { tag: 'accept', packet: cameRound, timeMs: 30 }).state;
    expect(stepped(holder, { tag: 'resend', timeMs: 99 })).toEqual(O.none);
  });

  test('is not settled by an answer of another node or for another epoch', () => {
    const { state } = must(first, { tag: 'grant', timeMs: 5 });
    for (const p of [
      packet(c, a, { tag: 'locked', epoch: 2 }),
      packet(b, a, { tag: 'locked', epoch: 1 }),
      packet(b, a, { tag: 'locked', epoch: 5 }),
    ]) {
      expect(stepped(state, { tag: 'settle', packet: p })).toEqual(O.none);
      expect(must(state, { tag: 'ignore', packet: p })).toEqual({ state, sends: [] });
    }
    expect(stepped(first, { tag: 'settle', packet: lockedByB })).toEqual(O.none);
  });

  test('answers the grant of its own epoch each time that it comes, and older ones never', () => {
    const holder = must(second, { tag: 'accept', packet: grantToB, timeMs: 0 }).state;
    expect(must(holder, { tag: 'answerAgain', packet: grantToB })).toEqual({ state: holder, sends: [lockedByB] });
    const older = packet(a, b, { tag: 'transfer', epoch: 1 });
    expect(stepped(holder, { tag: 'answerAgain', packet: older })).toEqual(O.none);
    expect(must(holder, { tag: 'ignore', packet: older }).sends).toEqual([]);
    expect(stepped(second, { tag: 'answerAgain', packet: grantToB })).toEqual(O.none);
  });

  test('tells anyone who asks how it stands', () => {
    const question = packet(stranger, a, { tag: 'statusRequest', nonce: 3 });
    expect(must(first, { tag: 'answerStatus', packet: question })).toEqual({
      state: first,
      sends: [packet(a, stranger, { tag: 'status', nonce: 3, holds: true, epoch: 1 })],
    });
  });

  test('ignores nothing that it could use', () => {
    const { state: granter } = must(first, { tag: 'grant', timeMs: 5 });
    const holder = must(second, { tag: 'accept', packet: grantToB, timeMs: 0 }).state;
    const useful: readonly (readonly [Node, ReturnType<typeof packet>])[] = [
      [second, grantToB],
      [holder, grantToB],
      [granter, lockedByB],
      [first, packet(stranger, a, { tag: 'statusRequest', nonce: 3 })],
    ];
    for (const [state, p] of useful) expect(stepped(state, { tag: 'ignore', packet: p })).toEqual(O.none);
    const fromStranger = packet(stranger, b, { tag: 'transfer', epoch: 2 });
    expect(must(second, { tag: 'ignore', packet: fromStranger })).toEqual({ state: second, sends: [] });
  });
});
