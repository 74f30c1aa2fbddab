/** Clients in front of a service that remembers fewer sessions than are in use, or takes smaller requests than they believed. */
import { describe, expect, it } from 'vitest';
import { ClientCore, type Outcome } from '../../systems/ironrsm/client.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import {
  type Faults,
  ModelRun,
  ModelService,
  operationsOf,
  randomOf,
  replicas,
  requestBytesMax,
} from './client-model.js';
import { clientWith, replicas as endPoints, opened, refused, value } from './lone-client.js';

describe('a client whose sessions expire', () => {
  /** Loses each session `afterMs` after it was opened, `times` times; how long it waited until it asked for the next. */
  const pausesOf = (afterMs: number, times: number): readonly number[] => {
    const { core, sent } = clientWith({ retryMs: 100, retryMsMax: 400 });
    let now = 0;
    const pauses: number[] = [];
    core.request(now, value, 1e9);
    for (let i = 0; i < times; i++) {
      core.onPacket(endPoints[1], opened(40 + i, 9 + i), now);
      now += afterMs;
      const before = sent.length;
      const lostAt = now;
      core.onPacket(endPoints[1], refused(1, 'SESSION_EXPIRED', 9 + i), now);
      core.request(now, value, 1e9);
      for (; sent.length === before; core.onTime(now)) now = Math.max(now, core.wakeAtMs);
      expect(sent.at(-1)?.messages).toMatchObject([{ tag: 'open', nonce: 41 + i }]);
      pauses.push(now - lostAt);
    }
    return pauses;
  };

  it('asks for the next one at once, but pauses longer and longer where one after the other dies young', () => {
    expect(pausesOf(10, 8)).toEqual([0, 100, 200, 400, 800, 1600, 3200, 3200]);
  });

  it('does not pause where each was of use for a while', () => {
    expect(pausesOf(400, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  it('is one of many that are answered nevertheless, with five times as many of them as sessions', () => {
    const service = new ModelService(8, requestBytesMax, 4);
    const random = randomOf(5);
    const travelling: { readonly atMs: number; readonly deliver: () => void }[] = [];
    let nowMs = 0;
    const travel = (deliver: () => void): void => void travelling.push({ atMs: nowMs + 1 + random() * 20, deliver });
    const answered = Array.from({ length: 20 }, () => 0);
    let expired = 0;
    const cores = answered.map((_, i) => {
      const send = (targets: readonly (typeof replicas)[number][], messages: readonly RsmMessage[]): void => {
        for (const target of targets) {
          for (const message of messages) {
            travel(() => {
              for (const answer of service.answer(replicas.indexOf(target), message)) {
                travel(() => cores[i]?.onPacket(target, answer, nowMs));
              }
            });
          }
        }
      };
      const settled = (_id: number, outcome: Outcome): void => {
        if (outcome.tag === 'reply') answered[i] = (answered[i] ?? 0) + 1;
        else expired++;
        travel(() => cores[i]?.request(nowMs, value, Infinity));
      };
      const nonce = (): number => Math.floor(random() * 2 ** 40);
      return new ClientCore(
        { replicas, ordered: false, window: 8, retryMs: 100, retryMsMax: 400, random, nonce },
        { send, settled },
      );
    });
    for (const core of cores) core.request(0, value, Infinity);
    for (; nowMs < 30_000; nowMs++) {
      for (const due of travelling.filter(({ atMs }) => atMs <= nowMs)) {
        travelling.splice(travelling.indexOf(due), 1);
        due.deliver();
      }
      for (const core of cores) if (core.wakeAtMs <= nowMs) core.onTime(nowMs);
    }
    expect(expired).toBeGreaterThan(20);
    expect(Math.min(...answered)).toBeGreaterThan(20);
    // Most of what they ask is answered, and does not end with a session.
    expect(answered.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(expired);
  });
});

const lossy: Faults = { loss: 0.15, duplicates: 0.15, delayMsMax: 60 };

describe('a client that believes that requests may be larger than they may', () => {
  it.each([
    ['unordered', false],
    ['ordered', true],
  ])('has each operation executed once, in smaller requests (%s)', (_, ordered) => {
    for (let seed = 1; seed <= 40; seed++) {
      const run = new ModelRun(seed, lossy, { ordered, window: 4, requestBytesMax: 65_536 }, seed % 2 === 0);
      const texts = Array.from({ length: 60 }, (__, i) => `v${i}`.padEnd(150 + (i % 7) * 30, '.'));
      // One that no cluster of this kind takes, among others.
      texts[20] = 'large'.padEnd(2 * requestBytesMax, '.');
      const ids = texts.map((text) => run.request(text, 60_000));
      run.run(61_000);
      for (const [i, id] of ids.entries()) {
        const outcome = run.outcomes.get(id);
        if (i === 20) expect(outcome).toMatchObject({ error: { tag: 'TooLarge', known: 'not executed' } });
        else expect(outcome?.tag, `${seed} ${i}`).toBe('reply');
      }
      expect(run.settledTwice).toEqual([]);
      const executed = run.service.executed.map(({ value: text }) => text);
      const wanted = texts.filter((__, i) => i !== 20);
      expect(ordered ? executed : [...executed].sort()).toEqual(ordered ? wanted : [...wanted].sort());
      // It has learnt: what was split once is not put together again.
      const sizes = run.sent.flatMap(({ message }) =>
        message.tag === 'request' ? [operationsOf(message).length] : [],
      );
      expect(Math.max(...sizes)).toBeGreaterThan(8);
      expect(Math.max(...sizes.slice(-5))).toBeLessThan(8);
    }
  });
});
