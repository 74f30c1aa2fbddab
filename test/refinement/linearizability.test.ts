import { describe, expect, it } from 'vitest';
import {
  type CheckLimits,
  type CounterCall,
  casRegisterModel,
  checkLinearizability,
  counterModel,
  explanationLines,
  kvModel,
  lockModel,
  type Model,
  type Operation,
  queueModel,
  registerModel,
  type Value,
} from '../../src/refinement/linearizability.js';
import { O } from '../../src/spec/prelude.js';

/** An operation of `client` from `call` until `until`; without an output its outcome is unknown. */
const during = <Op, Out>(client: string, call: number, until: number, op: Op, output?: Out): Operation<Op, Out> => ({
  client,
  op,
  call,
  answer: output === undefined ? undefined : { time: until, output },
});

const answerOf = <S, Op, Out>(
  model: Model<S, Op, Out>,
  history: readonly Operation<Op, Out>[],
  limits?: CheckLimits,
): string => checkLinearizability(model, history, limits).answer;

const read = { op: 'read', args: [] } as const;
const write = (value: Value) => ({ op: 'write', args: [value] }) as const;
const cas = (before: Value, after: Value) => ({ op: 'cas', args: [before, after] }) as const;
const enqueue = (value: Value) => ({ op: 'enqueue', args: [value] }) as const;
const dequeue = { op: 'dequeue', args: [] } as const;
const increment = { op: 'increment', args: [] } as const;

describe('a register', () => {
  it('allows reads of the old and of the new value while a write is under way (the example of Porcupine)', () => {
    const history = [
      during('a', 0, 100, write(100), null),
      during('b', 25, 75, read, 100),
      during('c', 30, 60, read, null),
    ];
    expect(answerOf(registerModel, history)).toBe('linearizable');
  });

  it('does not go back from a new value to the old one, even while the write is under way', () => {
    const history = [
      during('a', 0, 100, write(200), null),
      during('b', 10, 30, read, 200),
      during('c', 40, 90, read, null),
    ];
    expect(answerOf(registerModel, history)).toBe('not');
  });

  it('may show a write of unknown outcome at any later time, and not take it back', () => {
    const seen = [
      during<typeof read | ReturnType<typeof write>, Value>('a', 0, 1, write(1)),
      during('b', 10, 11, read, null),
      during('c', 1000, 1001, read, 1),
    ];
    expect(answerOf(registerModel, seen)).toBe('linearizable');
    expect(answerOf(registerModel, [...seen, during('b', 1010, 1011, read, null)])).toBe('not');
  });

  it('shows a value only once it was asked to take it', () => {
    expect(answerOf(registerModel, [during('a', 0, 1, read, 1), during('b', 2, 3, write(1), null)])).toBe('not');
  });

  it('orders operations that touch at one time in either way', () => {
    expect(answerOf(registerModel, [during('a', 0, 5, write(1), null), during('b', 5, 9, read, null)])).toBe(
      'linearizable',
    );
    expect(answerOf(registerModel, [during('a', 0, 5, write(1), null), during('b', 6, 9, read, null)])).toBe('not');
  });

  it('keeps a write that changes nothing for later, when it does (writes are not reads)', () => {
    const history = [
      during('a', 0, 10, write(8), null),
      during('b', 1, 11, cas(8, 9), true),
      during('c', 2, 12, write(8), null),
      during('d', 3, 13, read, 8),
      during('e', 14, 15, read, 8),
    ];
    expect(answerOf(casRegisterModel, history)).toBe('linearizable');
  });

  it('lets one of two racing compare-and-sets win', () => {
    const race = (first: boolean, second: boolean) => [
      during('a', 0, 1, write(1), null),
      during('b', 2, 9, cas(1, 2), first),
      during('c', 3, 8, cas(1, 3), second),
    ];
    expect(answerOf(casRegisterModel, race(true, false))).toBe('linearizable');
    expect(answerOf(casRegisterModel, race(true, true))).toBe('not');
    expect(answerOf(casRegisterModel, race(false, false))).toBe('not');
  });
});

describe('a queue (Herlihy and Wing 1990, section 1)', () => {
  it('gives two values whose enqueues overlap in either order', () => {
    const history = [
      during('a', 0, 5, enqueue('x'), null),
      during('b', 1, 4, enqueue('y'), null),
      during('b', 6, 7, dequeue, 'y'),
      during('a', 8, 9, dequeue, 'x'),
    ];
    expect(answerOf(queueModel, history)).toBe('linearizable');
  });

  it('gives the value first that was enqueued before the other was', () => {
    const history = [
      during('a', 0, 1, enqueue('x'), null),
      during('b', 2, 3, enqueue('y'), null),
      during('a', 4, 5, dequeue, 'y'),
    ];
    expect(answerOf(queueModel, history)).toBe('not');
  });

  it('gives a value while its enqueue is under way', () => {
    const history = [during('a', 0, 9, enqueue('x'), null), during('b', 1, 2, dequeue, 'x')];
    expect(answerOf(queueModel, history)).toBe('linearizable');
  });

  it('gives a value once', () => {
    const history = [
      during('a', 0, 1, enqueue('x'), null),
      during('a', 2, 9, dequeue, 'x'),
      during('b', 3, 8, dequeue, 'x'),
    ];
    expect(answerOf(queueModel, history)).toBe('not');
  });
});

describe('a lock', () => {
  const acquire = { op: 'acquire', args: [] } as const;
  const release = { op: 'release', args: [] } as const;

  it('has one holder at a time', () => {
    expect(answerOf(lockModel, [during('a', 0, 1, acquire, null), during('b', 2, 3, acquire, null)])).toBe('not');
  });

  it('may have been released where the outcome of the release is unknown', () => {
    const history = [
      during('a', 0, 1, acquire, null),
      during<typeof release, Value>('a', 2, 3, release),
      during('b', 9, 10, acquire, null),
    ];
    expect(answerOf(lockModel, history)).toBe('linearizable');
  });

  it('is released by its owner, where owners are named', () => {
    const by = (owner: string) => [
      during('a', 0, 1, { op: 'acquire', args: ['a'] } as const, null),
      during('b', 2, 3, { op: 'release', args: [owner] } as const, null),
    ];
    expect(answerOf(lockModel, by('a'))).toBe('linearizable');
    expect(answerOf(lockModel, by('b'))).toBe('not');
  });
});

describe('a counter', () => {
  it('loses no increment', () => {
    expect(answerOf(counterModel, [during('a', 0, 9, increment, 1), during('b', 1, 8, increment, 1)])).toBe('not');
    expect(answerOf(counterModel, [during('a', 0, 9, increment, 2), during('b', 1, 8, increment, 1)])).toBe(
      'linearizable',
    );
  });

  it('may jump over as many increments as have unknown outcomes, and over no more', () => {
    const open = Array.from({ length: 60 }, (_, i) => during<CounterCall, number>(`open ${i}`, i, 0, increment));
    const jumpTo = (n: number) => [...open, during('a', 100, 101, increment, n), during('b', 102, 103, read, n)];
    expect(answerOf(counterModel, jumpTo(61))).toBe('linearizable');
    expect(answerOf(counterModel, jumpTo(31))).toBe('linearizable');
    expect(answerOf(counterModel, jumpTo(62))).toBe('not');
  });
});

describe('a check', () => {
  it('judges the keys of a store apart, and names the one that fails', () => {
    const on = (key: string, at: number, output: string | null) =>
      during(`client of ${key}`, at, at + 1, { op: 'get', key, args: [] } as const, output);
    const result = checkLinearizability(kvModel, [on('x', 0, null), on('y', 0, 'never written'), on('z', 0, null)]);
    expect(result).toMatchObject({ answer: 'not', parts: 3, explanation: { part: 'y', culprit: 1 } });
  });

  it('walks over a hundred thousand operations without recursion', () => {
    const history = Array.from({ length: 100_000 }, (_, i) =>
      i % 2 === 0 ? during('a', i, i + 0.5, write(i), null) : during('a', i, i + 0.5, read, i - 1),
    );
    expect(answerOf(registerModel, history)).toBe('linearizable');
    const stale = during('a', 100_000, 100_001, read, 0);
    const result = checkLinearizability(registerModel, [...history, stale]);
    expect(result).toMatchObject({ answer: 'not', explanation: { culprit: 100_000, smallest: true } });
  });

  it('refuses an operation that returns before it is called', () => {
    expect(() => answerOf(registerModel, [during('a', 2, 1, read, null)])).toThrow('operation 0 is called at 2');
  });
});

/** Enqueues that overlap, then a dequeue of what was never enqueued: every order must be tried. */
const hard = (enqueues: number): readonly Operation<ReturnType<typeof enqueue> | typeof dequeue, Value>[] => [
  ...Array.from({ length: enqueues }, (_, i) => during(`c${i}`, i, 100 + i, enqueue(i), null)),
  during('d', 200, 201, dequeue, 'nothing of the kind'),
];

describe('limits', () => {
  it('make the answer unknown, and not more', () => {
    expect(answerOf(queueModel, hard(6))).toBe('not');
    const steps = checkLinearizability(queueModel, hard(8), { stepsMax: 1000 });
    expect(steps).toMatchObject({ answer: 'unknown', limit: 'steps' });
    const memory = checkLinearizability(queueModel, hard(8), { memoryBytesMax: 10_000 });
    expect(memory).toMatchObject({ answer: 'unknown', limit: 'memory' });
  });

  it('of time are read off the clock that is handed in', () => {
    let nowMs = 0;
    const slow = { limitMs: 100, nowMs: () => nowMs++ };
    expect(checkLinearizability(queueModel, hard(10), { time: slow })).toMatchObject({
      answer: 'unknown',
      limit: 'time',
    });
    const still = { limitMs: 100, nowMs: () => 0 };
    expect(answerOf(queueModel, hard(6), { time: still })).toBe('not');
  });

  it('that are used up before the first part is judged leave it unknown, or judge it', () => {
    const history = [during('a', 0, 1, read, 'never written')];
    expect(answerOf(registerModel, history, { stepsMax: 0 })).not.toBe('linearizable');
  });

  it('leave a part unknown, and another one is still found to be wrong', () => {
    const keyed = (key: string, i: number) => ({ op: 'append', key, args: [String(i)] }) as const;
    const appends = Array.from({ length: 8 }, (_, i) => during(`c${i}`, i, 100 + i, keyed('hard', i), null));
    const get = (client: string, key: string) =>
      during(client, 200, 201, { op: 'get', key, args: [] } as const, 'never written');
    const limits = { memoryBytesMax: 10_000 };
    const small = checkLinearizability(kvModel, [...appends, get('d', 'hard')], limits);
    expect(small).toMatchObject({ answer: 'unknown', unknownParts: ['hard'] });
    const more = Array.from({ length: 12 }, (_, i) =>
      during('e', 300 + i, 300 + i, { op: 'get', key: 'easy', args: [] } as const, i === 11 ? 'wrong' : null),
    );
    const both = checkLinearizability(kvModel, [...appends, get('d', 'hard'), ...more], limits);
    expect(both).toMatchObject({ answer: 'not', explanation: { part: 'easy' } });
  });
});

describe('an explanation', () => {
  const history = [
    during('a', 0, 1, write(1), null),
    during('b', 2, 9, write(2), null),
    during('a', 3, 4, read, 2),
    during('c', 5, 6, read, 1),
    during('a', 20, 21, read, 2),
  ];
  const result = checkLinearizability(registerModel, history);
  if (result.answer !== 'not') throw new Error('the history is linearizable');
  const { explanation } = result;

  it('names the smallest prefix that fails, the operation that ends it, and how far orders get', () => {
    expect(explanation).toEqual({
      part: undefined,
      prefix: [0, 1, 2, 3],
      smallest: true,
      culprit: 3,
      partials: [{ order: [0, 1, 2], state: '2', missing: [3] }],
      unplaced: [3],
    });
  });

  it('is shown as sentences and a picture', () => {
    const shown = history.map(({ client, op, call, answer }) => ({
      client,
      words: registerModel.describe(op, answer?.output),
      call,
      return: answer?.time,
      line: call + 1,
    }));
    expect(explanationLines(shown, explanation)).toEqual([
      'The first 4 operations up to the return of read() -> 1 of client c (line 6) have no order that the model allows.',
      'With that answer still open they have one.',
      '3 operations can be placed; the state then is 2, and what does not fit is read() -> 1 of client c (line 6).',
      '',
      '1  client a  write(1) -> ok  |--|',
      '2  client b  write(2) -> ok        |-------------->',
      '3  client a  read() -> 2              |--|',
      '!  client c  read() -> 1                    |--|',
      expect.stringContaining('Left:'),
    ]);
  });
});

describe('a model of a user', () => {
  it('needs neither parts nor keys of operations, and may answer several ways', () => {
    /** A coin that shows either side, but once it was shown it lies. */
    const coin: Model<string, 'look', string> = {
      name: 'coin',
      init: 'in the air',
      step: (state, _, output) =>
        state === 'in the air' || output === undefined || output === state ? O.some(output ?? state) : O.none,
      stateKey: (state) => state,
      describe: (op, output) => `${op} -> ${output}`,
      describeState: (state) => state,
    };
    const look = (at: number, side: string) => during(`at ${at}`, at, at + 1, 'look' as const, side);
    expect(answerOf(coin, [look(0, 'heads'), look(2, 'heads')])).toBe('linearizable');
    expect(answerOf(coin, [look(0, 'heads'), look(2, 'tails')])).toBe('not');
  });
});
