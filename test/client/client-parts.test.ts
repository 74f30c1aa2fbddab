/** The parts that clients of sessions are made of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryClock } from '../../src/client/retry-clock.js';
import { SessionWindow } from '../../src/client/session-window.js';
import { TimedClient, type TimedPort } from '../../src/client/timed-client.js';
import { WaitingQueue } from '../../src/client/waiting-queue.js';

describe('the window of a session', () => {
  it('gives each seqno once, keeps to its size, and has as its floor the lowest that is not settled', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.nat(9),
        fc.array(fc.nat(), { maxLength: 80 }),
        (size, next, choices) => {
          const window = new SessionWindow<string, { seqno: number }>({ session: 's', next, openedAtMs: 0 }, size);
          const outstanding: { seqno: number }[] = [];
          let given = next;
          for (const choice of choices) {
            if (choice % 2 === 0 && !window.full) {
              const request = { seqno: -1 };
              window.add(request);
              expect(request.seqno).toBe(given++);
              outstanding.push(request);
            } else if (outstanding.length > 0) {
              const [settled] = outstanding.splice(choice % outstanding.length, 1) as [{ seqno: number }];
              window.remove(settled);
              expect(window.get(settled.seqno)).toBeUndefined();
            }
            expect(window.floor).toBe(outstanding[0]?.seqno ?? given);
            expect(window.full).toBe(given - window.floor >= size);
            expect([window.next, window.size, window.all()]).toEqual([given, outstanding.length, outstanding]);
            for (const request of outstanding) expect(window.get(request.seqno)).toBe(request);
          }
        },
      ),
    );
  });

  it('refuses what it has no place for', () => {
    const window = new SessionWindow<string, { seqno: number }>({ session: 's', next: 0, openedAtMs: 0 }, 1);
    window.add({ seqno: -1 });
    expect(() => window.add({ seqno: -1 })).toThrow('full');
  });
});

describe('what waits for a place', () => {
  it('is taken in the order in which it came, unless it was put back or expired', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ act: fc.nat(4), deadlineMs: fc.nat(20) }), { maxLength: 60 }), (acts) => {
        const queue = new WaitingQueue<{ readonly deadlineMs: number }>();
        let model: { readonly deadlineMs: number }[] = [];
        for (const { act, deadlineMs } of acts) {
          if (act <= 1) {
            const item = { deadlineMs };
            queue.push(item);
            model.push(item);
          } else if (act === 2) expect(queue.shift()).toBe(model.shift());
          else if (act === 3) {
            const back = [{ deadlineMs }, { deadlineMs: deadlineMs + 1 }];
            queue.putBack(back);
            model = [...back, ...model];
          } else {
            expect(queue.takeExpired(deadlineMs)).toEqual(model.filter((item) => item.deadlineMs <= deadlineMs));
            model = model.filter((item) => item.deadlineMs > deadlineMs);
          }
          expect(queue.first).toBe(model[0]);
          expect(queue.empty).toBe(model.length === 0);
          expect(queue.deadlineMs).toBe(Math.min(...model.map((item) => item.deadlineMs)));
        }
      }),
    );
  });
});

describe('the clock of a client', () => {
  it('is woken by the first of its times, and sleeps on only where it is told to', () => {
    const clock = new RetryClock({ retryMs: 100, retryMsMax: 400, random: () => 0.5 });
    clock.wakeBy(500);
    expect(clock.after(0, 100)).toBe(100);
    clock.wakeBy(300);
    expect(clock.wakeAtMs).toBe(100);
    clock.sleepUntil(300);
    expect(clock.wakeAtMs).toBe(300);
  });

  it('lengthens waits up to their bound', () => {
    const clock = new RetryClock({ retryMs: 100, retryMsMax: 400, random: () => 0.5 });
    const retry = { waitMs: 100, retryAtMs: 100 };
    const waits = Array.from({ length: 5 }, () => {
      clock.backOff(retry, 0);
      return retry.retryAtMs;
    });
    expect(waits).toEqual([150, 225, 338, 400, 400]);
  });
});

describe('a client with a timer', () => {
  it('is woken in time for what was sent after it was asked', async () => {
    let onWake: () => void = () => undefined;
    let woken: () => void = () => undefined;
    const wakes = new Promise<void>((resolve) => {
      woken = resolve;
    });
    const port = {
      wakeAtMs: Infinity,
      request: () => 1,
      onTime: () => {
        port.wakeAtMs = Infinity;
        woken();
      },
      onSettled: () => undefined,
      onWake: (callback: () => void) => {
        onWake = callback;
      },
      close: () => Promise.resolve(),
    } satisfies TimedPort<string, string>;
    const client = new TimedClient<string, string>(port);
    // The request waits in the core, which sends it, and sets its retry, later in the turn.
    client.ask('asked', 5000, () => undefined);
    port.wakeAtMs = performance.now() + 5;
    onWake();
    await wakes;
    await client.close();
  });
});
