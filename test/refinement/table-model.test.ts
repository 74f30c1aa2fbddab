/** The table's model of linearizability: what each operation may be answered, and what not. */
import { describe, expect, it } from 'vitest';
import {
  type Call,
  checkLinearizability,
  HistoryRecorder,
  judgeRecordedBy,
  type Result,
  tableModelOf,
} from '../../src/refinement/linearizability.js';
import { E } from '../../src/spec/prelude.js';

const model = tableModelOf(4);

type Asked = readonly [op: string, args: Call['args'], result: Result];

/** Whether these, one after the other on one key, may be answered so. */
const allowed = (...asked: readonly Asked[]): boolean => {
  const operations = asked.map(([op, args, result], i) => {
    const read = model.read({ op, key: 'k', args }, result);
    if (E.isLeft(read)) throw new Error(read.left);
    return { client: 'c', op: read.right.op, call: 2 * i, answer: { time: 2 * i + 1, output: result } };
  });
  return checkLinearizability(model, operations, { stepsMax: 10_000 }).answer === 'linearizable';
};

describe('a table', () => {
  it.each<readonly [string, readonly Asked[], Asked, Asked]>([
    ['get', [['set', ['1'], true]], ['get', [], '1'], ['get', [], null]],
    ['length', [['set', ['12'], true]], ['length', [], 2], ['length', [], 1]],
    ['length of an absent key', [], ['length', [], null], ['length', [], 0]],
    ['setIfAbsent', [['set', ['1'], true]], ['setIfAbsent', ['2'], false], ['setIfAbsent', ['2'], true]],
    ['setIfPresent', [], ['setIfPresent', ['2'], false], ['setIfPresent', ['2'], true]],
    ['delete', [['set', ['1'], true]], ['delete', [], true], ['delete', [], false]],
    [
      'compareAndSet',
      [['set', ['1'], true]],
      ['compareAndSet', ['1', '2'], true],
      ['compareAndSet', ['1', '2'], false],
    ],
    ['swap', [['set', ['1'], true]], ['swap', ['2'], '1'], ['swap', ['2'], '2']],
    ['what was swapped in', [['swap', ['2'], null]], ['get', [], '2'], ['get', [], null]],
    ['increment', [['set', ['-1'], true]], ['increment', [3], 2], ['increment', [3], 3]],
    [
      'increment of no integer',
      [['set', ['01'], true]],
      ['increment', [1], { error: 'NOT_AN_INTEGER' }],
      ['increment', [1], 2],
    ],
    ['append', [['set', ['1'], true]], ['append', ['23'], 3], ['append', ['23'], 2]],
    [
      'append beyond the limit',
      [['set', ['123'], true]],
      ['append', ['45'], { error: 'VALUE_TOO_LARGE' }],
      ['append', ['45'], 5],
    ],
  ])('answers %s in one way', (_, before, right, wrong) => {
    expect(allowed(...before, right)).toBe(true);
    expect(allowed(...before, wrong)).toBe(false);
  });

  it('is judged as recorded: an increment that took place twice shows', () => {
    const judged = (second: number): string => {
      const recorder = new HistoryRecorder<Call, Result>(() => 0);
      for (const result of [1, second]) {
        recorder.returned(recorder.call('c', { op: 'increment', key: 'k', args: [1] }), result);
      }
      return judgeRecordedBy(model, recorder).answer;
    };
    expect(judged(2)).toBe('linearizable');
    expect(judged(3)).toBe('not');
  });
});
