/** Orders that somebody proposes: one that holds is a proof, one that does not changes nothing. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLinearization } from '../../src/refinement/linearizability/witness.js';
import type { Call, Result } from '../../src/refinement/linearizability.js';
import {
  checkLinearizability,
  HistoryRecorder,
  judgeRecorded,
  kvModel,
  type Operation,
  recordedHistory,
  registerModel,
} from '../../src/refinement/linearizability.js';

const read = { op: 'read', args: [] } as const;
const write = (value: string) => ({ op: 'write', args: [value] }) as const;

type RegisterOperation = Operation<typeof read | ReturnType<typeof write>, string | null>;

const during = (
  call: number,
  until: number,
  op: RegisterOperation['op'],
  output?: string | null,
): RegisterOperation => ({
  client: `${call}`,
  op,
  call,
  answer: output === undefined ? undefined : { time: until, output },
});

const history = [
  during(0, 10, write('a'), null),
  during(5, 30, write('b'), null),
  during(20, 40, read, 'b'),
  during(20, 25, write('c')),
];

const holds = (order: readonly number[], of = history): boolean => isLinearization(registerModel, of, order);

describe('a proposed order', () => {
  it('is one where it explains every answer, with or without what was never answered', () => {
    expect(holds([0, 1, 2])).toBe(true);
    expect(holds([0, 1, 2, 3])).toBe(true);
    const seen = [...history.slice(0, 2), during(20, 40, read, 'c'), during(20, 25, write('c'))];
    for (const order of [
      [0, 1, 3, 2],
      [1, 0, 3, 2],
    ])
      expect(holds(order, seen)).toBe(true);
  });

  it('is none where an answer is missing, stands twice, is another one, or is no operation', () => {
    expect(holds([0, 1])).toBe(false);
    expect(holds([])).toBe(false);
    expect(holds([0, 1, 2, 2])).toBe(false);
    expect(holds([0, 1, 1, 2])).toBe(false);
    expect(holds([1, 0, 2])).toBe(false);
    expect(holds([0, 1, 2, 4])).toBe(false);
    expect(holds([0, 1, 3, 2])).toBe(false);
  });

  it('is none where something stands before what had returned before it was called, though the answers fit', () => {
    const late = [during(0, 10, write('a'), null), during(20, 30, write('b'), null)];
    expect(holds([0, 1], late)).toBe(true);
    expect(holds([1, 0], late)).toBe(false);
    // With one between that was called early.
    const between = [...late, during(5, 50, write('c'), null)];
    expect(holds([1, 2, 0], between)).toBe(false);
    expect(holds([0, 2, 1], between)).toBe(true);
  });

  it('is found as the search finds it: whatever it says is linearizable, the search says too', () => {
    const operation = fc.record({
      call: fc.nat(30),
      takes: fc.nat(15),
      op: fc.oneof(fc.constant(read), fc.constantFrom('a', 'b', 'c').map(write)),
      answered: fc.boolean(),
      value: fc.constantFrom('a', 'b', 'c', null),
    });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat()), (drawn, keys) => {
        const operations = drawn.map(({ call, takes, op, answered, value }, i) => ({
          ...during(call, call + takes, op, answered ? (op.op === 'write' ? null : value) : undefined),
          client: `${i}`,
        }));
        const order = [...operations.keys()]
          .map((i) => [keys.next().value as number, i] as const)
          .sort(([a], [b]) => a - b)
          .map(([, i]) => i);
        if (holds(order, operations))
          expect(checkLinearizability(registerModel, operations).answer).toBe('linearizable');
      }),
      { numRuns: 3000 },
    );
  });

  it('spares the search, and gives each part its order', () => {
    const get = (key: string) => ({ op: 'get', key, args: [] }) as const;
    const set = (key: string) => ({ op: 'set', key, args: ['1'] }) as const;
    const keyed = [
      { client: 'p', op: set('x'), call: 0, answer: { time: 1, output: null } },
      { client: 'q', op: set('y'), call: 0, answer: { time: 1, output: null } },
      { client: 'p', op: get('x'), call: 2, answer: { time: 3, output: '1' } },
    ];
    expect(checkLinearizability(kvModel, keyed, { stepsMax: 0 }, [1, 0, 2])).toMatchObject({
      answer: 'linearizable',
      linearizations: [
        { part: 'y', order: [1] },
        { part: 'x', order: [0, 2] },
      ],
    });
    expect(checkLinearizability(kvModel, keyed, { stepsMax: 0 }, [2, 0, 1]).answer).toBe('unknown');
  });
});

describe('guesses of when operations took effect', () => {
  const recorded = (told: string) => {
    let now = 0;
    const recorder = new HistoryRecorder<Call, Result>(() => now++);
    const [first, second] = [recorder.call('p', write('a')), recorder.call('q', write('b'))];
    recorder.returned(first, null);
    recorder.returned(second, null);
    const last = recorder.call('p', read);
    recorder.returned(last, told);
    return { recorder, ids: [first, second, last] as const };
  };

  it('make an order; a wrong one is searched for', () => {
    for (const [places, steps] of [
      [[1, 2, 3], true],
      [[2, 1, 3], false],
      [[1, 2, 0], false],
    ] as const) {
      const { recorder, ids } = recorded('b');
      for (const [i, id] of ids.entries()) recorder.tookEffect(id, places[i] as number);
      expect(judgeRecorded('register', recorder, { stepsMax: 0 }).answer).toBe(steps ? 'linearizable' : 'unknown');
      expect(judgeRecorded('register', recorder).answer).toBe('linearizable');
    }
  });

  it('do not make right what is wrong', () => {
    const { recorder, ids } = recorded('c');
    for (const [i, id] of ids.entries()) recorder.tookEffect(id, i);
    expect(judgeRecorded('register', recorder).answer).toBe('not');
    expect(recordedHistory(recorder).operations.map(({ effect }) => effect)).toEqual([0, 1, 2]);
  });
});

describe('an order that was promised', () => {
  it('bounds when an operation took effect by the return of one behind it, whenever it returned itself', () => {
    const judged = (promised: boolean): string => {
      let now = 0;
      const recorder = new HistoryRecorder<Call, Result>(() => now++);
      const first = recorder.call('a', { op: 'read', args: [] });
      const behind = recorder.call('b', { op: 'read', args: [] });
      recorder.returned(behind, null);
      if (promised) recorder.tookEffectByNow(first);
      recorder.returned(recorder.call('c', { op: 'write', args: ['x'] }), null);
      // It saw what was written after the one behind it had returned.
      recorder.returned(first, 'x');
      return judgeRecorded('register', recorder).answer;
    };
    expect(judged(false)).toBe('linearizable');
    expect(judged(true)).toBe('not');
  });
});
