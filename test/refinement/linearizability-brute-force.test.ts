/** The search agrees with a checker that tries every order, and what it says beside its answer is true. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Call,
  type CallModel,
  casRegisterModel,
  checkLinearizability,
  counterModel,
  type Explanation,
  kvModel,
  type Linearization,
  lockModel,
  type Operation,
  queueModel,
  type Result,
  registerModel,
} from '../../src/refinement/linearizability.js';
import { E, O } from '../../src/spec/prelude.js';
import { historiesOf, linearizableByTryingAll, type ReferenceObject, referenceObjects } from './reference-objects.js';

const runs = 10_000;

/** `history` in the words of `model`. An answer that the operation cannot have makes it no history of the model. */
const read = <S, Op extends Call, Out extends Result>(
  model: CallModel<S, Op, Out>,
  history: readonly Operation<Call, Result>[],
): readonly Operation<Op, Out>[] | undefined => {
  const operations: Operation<Op, Out>[] = [];
  for (const { client, op, call, answer } of history) {
    const known = model.read(op, answer?.output);
    if (E.isLeft(known)) return undefined;
    const { output } = known.right;
    const told = answer === undefined || output === undefined ? undefined : { time: answer.time, output };
    operations.push({ client, op: known.right.op, call, answer: told });
  }
  return operations;
};

/** The state after `order`, none where the model or the times do not allow it. */
const after = <S, Op, Out>(
  model: CallModel<S, Op & Call, Out & Result>,
  history: readonly Operation<Op & Call, Out & Result>[],
  order: readonly number[],
  answeredUntil: number,
): O.Option<S> => {
  let state: O.Option<S> = O.some(model.init);
  let lastCall = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    const { op, call, answer } = history[i] as Operation<Op & Call, Out & Result>;
    const told = answer !== undefined && answer.time <= answeredUntil ? answer : undefined;
    if (told !== undefined && told.time < lastCall) return O.none;
    lastCall = Math.max(lastCall, call);
    if (O.isSome(state)) state = model.step(state.value, op, told?.output);
  }
  return state;
};

const sorted = (numbers: readonly number[]): readonly number[] => [...numbers].sort((a, b) => a - b);

class Comparison<S, Op extends Call, Out extends Result> {
  readonly model: CallModel<S, Op, Out>;
  readonly object: ReferenceObject;
  good = 0;
  bad = 0;
  open = 0;

  constructor(model: CallModel<S, Op, Out>, object: ReferenceObject) {
    this.model = model;
    this.object = object;
  }

  readonly compare = (given: readonly Operation<Call, Result>[]): void => {
    const history = read(this.model, given);
    if (history === undefined) return;
    const result = checkLinearizability(this.model, history);
    const expected = linearizableByTryingAll(this.object, given);
    expect(result.answer).toBe(expected ? 'linearizable' : 'not');
    if (expected) this.good++;
    else this.bad++;
    if (given.some((o) => o.answer === undefined)) this.open++;
    if (result.answer === 'linearizable') this.#isOrder(history, result.linearizations);
    if (result.answer === 'not') this.#isExplained(given, history, result.explanation);
  };

  #isOrder(history: readonly Operation<Op, Out>[], linearizations: readonly Linearization[]): void {
    const placed = linearizations.flatMap(({ order }) => order);
    expect(new Set(placed).size).toBe(placed.length);
    for (const [i, { answer }] of history.entries()) if (answer !== undefined) expect(placed).toContain(i);
    for (const { order } of linearizations)
      expect(O.isSome(after(this.model, history, order, Number.POSITIVE_INFINITY))).toBe(true);
  }

  #isExplained(
    given: readonly Operation<Call, Result>[],
    history: readonly Operation<Op, Out>[],
    { prefix, smallest, culprit, partials, unplaced, part }: Explanation,
  ): void {
    const until = given[culprit]?.answer?.time as number;
    const inPart = (i: number): boolean => this.model.partition?.(history[i]?.op as Op) === part;
    const prefixUntil = (time: number): readonly Operation<Call, Result>[] =>
      given
        .filter((o, i) => inPart(i) && o.call <= time)
        .map((o) => (o.answer !== undefined && o.answer.time > time ? { ...o, answer: undefined } : o));
    expect(smallest).toBe(true);
    expect(sorted(prefix)).toEqual([...given.keys()].filter((i) => inPart(i) && (given[i]?.call ?? 0) <= until));
    expect(linearizableByTryingAll(this.object, prefixUntil(until))).toBe(false);
    const earlier = given.flatMap(({ answer }, i) =>
      inPart(i) && answer !== undefined && answer.time < until ? [answer.time] : [],
    );
    if (earlier.length > 0) expect(linearizableByTryingAll(this.object, prefixUntil(Math.max(...earlier)))).toBe(true);
    expect(partials.length).toBeGreaterThan(0);
    const answered = prefix.filter((i) => (given[i]?.answer?.time ?? Number.POSITIVE_INFINITY) <= until);
    for (const { order, missing, state } of partials) {
      expect(sorted([...order.filter((i) => answered.includes(i)), ...missing])).toEqual(sorted(answered));
      expect(missing.length).toBe(partials[0]?.missing.length);
      expect(missing.length).toBeGreaterThan(0);
      const reached = after(this.model, history, order, until);
      expect(O.isSome(reached) && this.model.describeState(reached.value)).toBe(state);
    }
    expect(unplaced.length).toBeGreaterThan(0);
  }
}

const compareAll = <S, Op extends Call, Out extends Result>(model: CallModel<S, Op, Out>): void => {
  const object = referenceObjects[model.name] as ReferenceObject;
  const comparison = new Comparison(model, object);
  fc.assert(fc.property(historiesOf(object), comparison.compare), { numRuns: runs });
  const { good, bad, open } = comparison;
  expect(good, 'good histories').toBeGreaterThan(runs / 10);
  expect(bad, 'bad histories').toBeGreaterThan(runs / 20);
  expect(open, 'histories with unknown outcomes').toBeGreaterThan(runs / 10);
};

describe('the search agrees with a checker that tries every order', () => {
  it('on a register', () => compareAll(registerModel));
  it('on a register with compare-and-set', () => compareAll(casRegisterModel));
  it('on a key-value store', () => compareAll(kvModel));
  it('on a queue', () => compareAll(queueModel));
  it('on a lock', () => compareAll(lockModel));
  it('on a counter', () => compareAll(counterModel));
});
