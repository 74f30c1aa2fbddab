/**
 * A hash table with conditional writes, whose every operation tells something: the commands of IronKV and of IronRSM's key-value
 * application as a sequential object (Herlihy and Wing, 1990), written apart from what serves them.
 */
import { O, unreachable } from '../../../spec/prelude.js';
import { callKey, callText, isError, type Result, type Value, valueText } from '../value.js';
import { type CallModel, type CallShape, readerOf } from './call-model.js';

/** A key's value; null is an absent key. */
export type TableValue = string | null;

interface Keyed {
  readonly key: string;
}

/** What a table is asked. `swap` stores a value and tells the one before. In `compareAndSet`, an old value of null means that the key is absent. */
export type TableCall = Keyed &
  (
    | { readonly op: 'get' | 'length' | 'delete'; readonly args: readonly [] }
    | { readonly op: 'set' | 'setIfAbsent' | 'setIfPresent' | 'swap' | 'append'; readonly args: readonly [string] }
    | { readonly op: 'compareAndSet'; readonly args: readonly [TableValue, string] }
    | { readonly op: 'increment'; readonly args: readonly [number] }
  );

const shapes: Readonly<Record<TableCall['op'], CallShape>> = {
  get: { keyed: true, args: [0, 0], result: 'value' },
  length: { keyed: true, args: [0, 0], result: 'value' },
  delete: { keyed: true, args: [0, 0], result: 'done' },
  set: { keyed: true, args: [1, 1], result: 'done' },
  setIfAbsent: { keyed: true, args: [1, 1], result: 'done' },
  setIfPresent: { keyed: true, args: [1, 1], result: 'done' },
  swap: { keyed: true, args: [1, 1], result: 'value' },
  append: { keyed: true, args: [1, 1], result: 'number', refusable: true },
  compareAndSet: { keyed: true, args: [2, 2], result: 'done' },
  increment: { keyed: true, args: [1, 1], result: 'number', refusable: true },
};

/** What an operation leaves and tells. */
interface Told {
  readonly state: TableValue;
  readonly result: Result;
}

const unchanged = (state: TableValue, result: Result): Told => ({ state, result });
const wrote = (took: boolean, state: TableValue, after: TableValue): Told => ({
  state: took ? after : state,
  result: took,
});

const incremented = (state: TableValue, by: number): Told => {
  const text = state ?? '0';
  const isInteger = text === String(BigInt(/^-?[0-9]+$/.test(text) ? text : 0)) && text !== '-0';
  if (!isInteger) return unchanged(state, { error: 'NOT_AN_INTEGER' });
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  const before = BigInt(text);
  const after = before + BigInt(by);
  const isSafe = (n: bigint): boolean => n <= limit && n >= -limit;
  if (!isSafe(before) || !isSafe(after)) return unchanged(state, { error: 'OUT_OF_RANGE' });
  return { state: String(after), result: Number(after) };
};

const appended = (state: TableValue, more: string, lengthMax: number): Told => {
  const after = (state ?? '') + more;
  if (after.length > lengthMax) return unchanged(state, { error: 'VALUE_TOO_LARGE' });
  return { state: after, result: after.length };
};

const answered = (state: TableValue, call: TableCall, lengthMax: number): Told => {
  switch (call.op) {
    case 'get':
      return unchanged(state, state);
    case 'length':
      return unchanged(state, state?.length ?? null);
    case 'delete':
      return wrote(state !== null, state, null);
    case 'set':
      return wrote(true, state, call.args[0]);
    case 'setIfAbsent':
      return wrote(state === null, state, call.args[0]);
    case 'setIfPresent':
      return wrote(state !== null, state, call.args[0]);
    case 'swap':
      return { state: call.args[0], result: state };
    case 'compareAndSet':
      return wrote(state === call.args[0], state, call.args[1]);
    case 'increment':
      return incremented(state, call.args[0]);
    case 'append':
      return appended(state, call.args[0], lengthMax);
    default:
      return unreachable(call);
  }
};

const sameResult = (a: Result, b: Result): boolean => (isError(a) ? isError(b) && a.error === b.error : a === b);

/** Whether `call` may be among what brings a key to the value `needed`. */
const leadsTo = (needed: TableValue, call: TableCall): boolean => {
  switch (call.op) {
    case 'get':
    case 'length':
      return false;
    case 'set':
    case 'setIfAbsent':
    case 'setIfPresent':
    case 'swap':
      return needed?.startsWith(call.args[0]) === true;
    case 'compareAndSet':
      return needed?.startsWith(call.args[1]) === true;
    case 'append':
      return needed?.includes(call.args[0]) === true;
    default:
      return true;
  }
};

/** A get, a swap and a successful compareAndSet need their value to be there, or to come about. */
const stillPossible = (
  state: TableValue,
  call: TableCall,
  output: Result,
  others: () => Iterable<TableCall>,
): boolean => {
  let needed: Result;
  if (call.op === 'get' || call.op === 'swap') needed = output;
  else if (call.op === 'compareAndSet' && output === true) needed = call.args[0];
  else return true;
  if (state === needed || (needed !== null && typeof needed !== 'string')) return true;
  for (const other of others()) if (leadsTo(needed, other)) return true;
  return false;
};

/** A table, a part for each key. Texts stand for bytes, a unit each; none is longer than `lengthMax`. */
export const tableModelOf = (lengthMax: number): CallModel<TableValue, TableCall, Result> => ({
  name: 'table',
  init: null,
  step: (state, call, output) => {
    const told = answered(state, call, lengthMax);
    return output === undefined || sameResult(told.result, output) ? O.some(told.state) : O.none;
  },
  stateKey: (state) => state ?? 0,
  partition: ({ key }) => key,
  operationKey: callKey,
  stillPossible,
  readOnly: ({ op }, output) => op === 'get' || op === 'length' || output === false || isError(output),
  describe: callText,
  describeState: (state) => valueText(state as Value),
  read: readerOf<TableCall, Result>('table', shapes),
});
