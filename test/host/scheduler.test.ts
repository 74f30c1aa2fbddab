import { describe, expect, test } from 'vitest';
import { Scheduler } from '../../src/host/scheduler.js';

const countdown = (name: string, times: number, log: string[]) => ({
  name,
  run: (): boolean => {
    if (times === 0) return false;
    times--;
    log.push(name);
    return true;
  },
});

describe('the scheduler', () => {
  test('gives each enabled action one chance a round, in the order in which they are listed', () => {
    const log: string[] = [];
    const scheduler = new Scheduler([countdown('a', 2, log), countdown('b', 3, log)], 10, () => log.push('|'));
    expect(scheduler.run()).toBe(true);
    expect(log.join('')).toBe('a|b|a|b|b|');
  });

  test('lets an action enable an earlier one in the next round', () => {
    const log: string[] = [];
    let enabled = false;
    const first = {
      name: 'first',
      run: (): boolean => {
        const was = enabled;
        enabled = false;
        if (was) log.push('first');
        return was;
      },
    };
    const scheduler = new Scheduler([first, countdown('second', 1, log)], 10, () => {
      enabled = log.at(-1) === 'second';
    });
    expect(scheduler.run()).toBe(true);
    expect(log).toEqual(['second', 'first']);
  });

  test('stops after its rounds and says that work may be left', () => {
    const log: string[] = [];
    const scheduler = new Scheduler([countdown('a', 7, log)], 5, () => undefined);
    expect(scheduler.run()).toBe(false);
    expect(log).toHaveLength(5);
    expect(scheduler.run()).toBe(true);
    expect(log).toHaveLength(7);
  });

  test('refuses two actions of one name', () => {
    const action = countdown('a', 0, []);
    expect(() => new Scheduler([action, action], 1, () => undefined)).toThrow('one name');
  });
});
