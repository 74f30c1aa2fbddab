import { describe, expect, test } from 'vitest';
import { bytesOfStep, Journal, StepWindow } from '../../src/network/journal.js';
import type { StepEvent, StepRecord } from '../../src/network/step-io.js';
import { endPoint } from '../../src/spec/endpoint.js';

const a = endPoint('10.0.0.1:1');
const b = endPoint('10.0.0.2:1');

const record = (step: number, bytes: number): StepRecord<string> => ({
  step,
  events: [{ tag: 'receive', source: b, bytes: new Uint8Array(bytes) }],
  actions: [],
  touches: [],
});

describe('a window of steps', () => {
  test('keeps the last items, up to a number', () => {
    const window = new StepWindow<string>(3);
    for (const item of ['a', 'b', 'c', 'd']) window.append(item, 1_000_000);
    expect([window.all(), window.size]).toEqual([['b', 'c', 'd'], 3]);
    expect([window.last(1), window.last(3), window.last(4)]).toEqual(['d', 'b', undefined]);
  });

  test('keeps fewer where their steps have more bytes than it may keep, but always the last', () => {
    const window = new StepWindow<string>(10, 100);
    const kept = (item: string, bytes: number): readonly string[] => {
      window.append(item, bytes);
      return window.all();
    };
    expect(kept('a', 60)).toEqual(['a']);
    expect(kept('b', 40)).toEqual(['a', 'b']);
    expect(kept('c', 1)).toEqual(['b', 'c']);
    expect(kept('d', 1000)).toEqual(['d']);
    expect(kept('e', 0)).toEqual(['e']);
    expect(kept('f', 100)).toEqual(['e', 'f']);
  });

  test('keeps at least one step', () => {
    for (const steps of [0, -1, 1.5]) expect(() => new StepWindow(steps)).toThrow(RangeError);
  });
});

describe('a journal', () => {
  test('counts every step, and forgets those that its bytes leave no room for', () => {
    const journal = new Journal<string>(4, 250);
    for (let step = 1; step <= 6; step++) journal.append(record(step, 100));
    expect(journal.appended).toBe(6);
    expect(journal.window().map(({ step }) => step)).toEqual([5, 6]);
  });

  test('counts what a step received, sent and delivered to itself, and no more', () => {
    const bytes = new Uint8Array(7);
    const events: StepEvent[] = [
      { tag: 'receive', source: b, bytes },
      { tag: 'clock', timeMs: 5 },
      { tag: 'send', target: a, bytes },
      { tag: 'send', target: b, bytes },
      { tag: 'self', bytes },
    ];
    expect(bytesOfStep({ step: 1, events, actions: [], touches: [] })).toBe(28);
    expect(bytesOfStep({ step: 1, events: [{ tag: 'timeout' }], actions: [], touches: [] })).toBe(0);
  });
});
