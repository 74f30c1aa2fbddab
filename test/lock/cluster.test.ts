import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { networks } from '../../src/protocol/network.js';
import { O } from '../../src/spec/prelude.js';
import { lockInvariants } from '../../systems/lock/invariants.js';
import { lockProtocol, type Node, type NodeStep } from '../../systems/lock/protocol.js';
import {
  a,
  b,
  caught,
  choices,
  configuration,
  judgedBehavior,
  type LockProtocol,
  newClusterJudge,
  packet,
  seededChoices,
} from './sample.js';

describe.each(networks)('a lock on a network that is $name', (network) => {
  test('keeps every invariant and refines its service in every behavior', () => {
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 400 }), (choose, moves) => {
        expect(judgedBehavior(lockProtocol, network, choose, moves).violation).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test('goes round, and sometimes takes every kind of step that this network can bring about', () => {
    const reached = new Set<NodeStep['tag']>();
    let epochsMax = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const { taken, epochs } = judgedBehavior(lockProtocol, network, seededChoices(seed), 1_500);
      for (const tag of taken.keys()) reached.add(tag);
      epochsMax = Math.max(epochsMax, epochs);
    }
    expect(epochsMax).toBeGreaterThan(6);
    expect([...reached].sort()).toEqual([
      'accept',
      'answerAgain',
      'answerStatus',
      'grant',
      'ignore',
      'resend',
      'settle',
    ]);
  });
});

/** The protocol with one step changed; `undefined` leaves it as it is. */
const mutant = (change: (s: Node, step: NodeStep) => ReturnType<LockProtocol['step']> | undefined): LockProtocol => ({
  ...lockProtocol,
  step: (s, step) => change(s, step) ?? lockProtocol.step(s, step),
});

const withState = (next: ReturnType<LockProtocol['step']>, change: Partial<Node>): ReturnType<LockProtocol['step']> =>
  O.isNone(next) ? next : O.some({ ...next.value, state: { ...next.value.state, ...change } });

const holding = { tag: 'holding', grantAtMs: 0 } as const;
const waiting = { tag: 'waiting' } as const;

describe('a lock that is broken on purpose', () => {
  test('is caught when a node keeps the lock that it grants', () => {
    const keeps = mutant((s, step) =>
      step.tag === 'grant'
        ? withState(lockProtocol.step(s, step), { role: { tag: 'holding', grantAtMs: step.timeMs + 5 } })
        : undefined,
    );
    expect(caught(keeps)).toMatchObject({ rule: expect.stringContaining('only the last node') });
  });

  test('is caught when a node takes a grant of an old epoch', () => {
    const takesOld = mutant((s, step) => {
      if (step.tag !== 'accept' || step.packet.message.tag !== 'transfer' || s.role.tag === 'holding') return undefined;
      if (step.packet.target !== s.place.me || step.packet.message.epoch > s.epoch) return undefined;
      return O.some({ state: { ...s, role: holding, epoch: step.packet.message.epoch }, sends: [] });
    });
    expect(caught(takesOld)).toMatchObject({ code: 'INVARIANT' });
  });

  test('is caught when a node takes a grant of a stranger', () => {
    const credulous = mutant((s, step) => {
      if (step.tag !== 'accept' || step.packet.message.tag !== 'transfer') return undefined;
      const { message, target } = step.packet;
      if (target !== s.place.me || message.epoch <= s.epoch || s.role.tag === 'holding') return undefined;
      return O.some({ state: { ...s, role: holding, epoch: message.epoch }, sends: [] });
    });
    expect(caught(credulous)).toMatchObject({ rule: 'a node is in an epoch that was granted to it, or in none' });
  });

  test('is caught when a grant skips an epoch, or goes to two nodes', () => {
    const skips = mutant((s, step) => {
      const next = lockProtocol.step(s, step);
      if (step.tag !== 'grant' || O.isNone(next)) return undefined;
      return O.some({
        ...next.value,
        sends: [packet(s.place.me, s.place.next, { tag: 'transfer', epoch: s.epoch + 2 })],
      });
    });
    expect(caught(skips)).toMatchObject({ rule: expect.stringContaining('the epoch of a transfer') });
    const toBoth = mutant((s, step) => {
      const next = lockProtocol.step(s, step);
      if (step.tag !== 'grant' || O.isNone(next)) return undefined;
      const both = [s.place.previous, s.place.next].map((target) =>
        packet(s.place.me, target, { tag: 'transfer', epoch: s.epoch + 1 }),
      );
      return O.some({ ...next.value, sends: both });
    });
    expect(caught(toBoth)).toMatchObject({ rule: expect.stringContaining('the epoch of a transfer') });
  });

  test('is caught when a node answers for an epoch in which it did not hold the lock', () => {
    const boasts = mutant((s, step) => {
      const next = lockProtocol.step(s, step);
      if (step.tag !== 'answerAgain' || O.isNone(next)) return undefined;
      return O.some({
        ...next.value,
        sends: [packet(s.place.me, s.place.previous, { tag: 'locked', epoch: s.epoch + 1 })],
      });
    });
    expect(caught(boasts)).toMatchObject({ rule: 'a locked names an epoch in which its source was the holder' });
  });

  test('is caught when a granter forgets its grant, as one without retransmission does', () => {
    const forgets = mutant((s, step) =>
      step.tag === 'grant' ? withState(lockProtocol.step(s, step), { role: waiting }) : undefined,
    );
    expect(caught(forgets)).toMatchObject({ rule: expect.stringContaining('or its granter still sends the grant') });
  });

  test('is caught when an epoch goes back', () => {
    const goesBack = mutant((s, step) =>
      step.tag === 'settle' && s.epoch > 3 ? withState(lockProtocol.step(s, step), { epoch: s.epoch - 3 }) : undefined,
    );
    expect(caught(goesBack)).toMatchObject({ rule: 'the epoch of a node never goes back' });
  });

  test('is caught by its service alone when it claims an epoch to a client that it never held', () => {
    const lies = mutant((s, step) => {
      const next = lockProtocol.step(s, step);
      if (step.tag !== 'answerStatus' || O.isNone(next)) return undefined;
      const status = { tag: 'status', nonce: 7, holds: true, epoch: s.epoch } as const;
      return O.some({ ...next.value, sends: [packet(s.place.me, step.packet.source, status)] });
    });
    expect(caught(lies)).toMatchObject({ code: 'LOCKED_UNJUSTIFIED' });
  });

  test('is caught when two nodes hold the lock, by the invariant of that name alone', () => {
    const judge = newClusterJudge();
    const hosts = new Map(judge.cluster.hosts).set(b, { ...lockProtocol.init(configuration, b), role: holding });
    const two = { ...judge.cluster, hosts };
    const named = lockInvariants.find((i) => i.name === 'at most one node holds the lock');
    expect(named?.check(two)).toMatchObject({ _tag: 'Left', left: { evidence: { holders: [a, b] } } });
    expect(named?.check(judge.cluster)).toMatchObject({ _tag: 'Right' });
  });
});

describe('a control, equivalent to the lock', () => {
  test('stays green: a node that waits longer before it sends again, one that holds longer', () => {
    const patient = mutant((_, step) => (step.tag === 'resend' && step.timeMs < 100 ? O.none : undefined));
    const slow = mutant((s, step) =>
      step.tag === 'grant' && s.role.tag === 'holding' && step.timeMs < s.role.grantAtMs + 30 ? O.none : undefined,
    );
    for (const control of [patient, slow]) expect(caught(control)).toBeUndefined();
  });
});
