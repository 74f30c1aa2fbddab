import { describe, expect, test } from 'vitest';
import { Alarm, realAfter } from '../../src/network/transport-time.js';
import { VirtualTime } from '../../src/refinement/simulation/virtual-time.js';

const timersThatKeepAwake = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

const setUp = () => {
  const time = new VirtualTime();
  const rings: number[] = [];
  let timers = 0;
  const after = (delayMs: number, callback: () => void): (() => void) => {
    timers++;
    return time.after(delayMs, callback);
  };
  const alarm = new Alarm({ nowMs: () => time.nowMs, after }, () => rings.push(time.nowMs));
  const runAll = (): void => {
    while (time.nextMs < Infinity) time.runNext();
  };
  return { time, alarm, rings, runAll, timers: () => timers };
};

describe("a transport's timer", () => {
  test('keeps no process awake, and can be cancelled', async () => {
    const before = timersThatKeepAwake();
    const cancel = realAfter(60_000, () => undefined);
    expect(timersThatKeepAwake()).toBe(before);
    cancel();
    const called: string[] = [];
    realAfter(1, () => called.push('cancelled'))();
    await new Promise<void>((done) => realAfter(5, done));
    expect(called).toEqual([]);
  });
});

describe('an alarm', () => {
  test('that is put off again and again sets few timers, and rings once, at the last time', () => {
    const { alarm, rings, runAll, timers } = setUp();
    for (let atMs = 10; atMs <= 100; atMs++) alarm.set(atMs);
    runAll();
    expect(rings).toEqual([100]);
    expect(timers()).toBe(2);
  });

  test('that is set to an earlier time rings then', () => {
    const { alarm, rings, runAll } = setUp();
    alarm.set(100);
    alarm.set(10);
    runAll();
    expect(rings).toEqual([10]);
  });

  test('that was cleared does not ring, and may be set again', () => {
    const { alarm, rings, runAll, time } = setUp();
    alarm.set(10);
    alarm.clear();
    expect(time.nextMs).toBe(Infinity);
    alarm.set(20);
    runAll();
    expect(rings).toEqual([20]);
  });

  test('set to fractions of a millisecond is not set for no time for ever', () => {
    const { alarm, rings, runAll, time, timers } = setUp();
    for (let i = 0; i < 1_000; i++) {
      alarm.set(time.nowMs + 0.1 + i / 7);
      runAll();
    }
    expect(rings.length).toBe(1_000);
    expect(timers()).toBeLessThan(3_000);
  });
});
