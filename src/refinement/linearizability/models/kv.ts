/** A key-value store: Porcupine's get, put and append, and set, del, cas and incr as IronRSM's application has them. */
import { O, unreachable } from '../../../spec/prelude.js';
import { callKey, callText, isError, type Result, type Value, valueText } from '../value.js';
import { type CallModel, type CallShape, readerOf } from './call-model.js';

/** A key's value; null is an absent key. Values are text: a number in a history stands for its decimal digits. */
export type KvValue = string | null;

interface Keyed {
  readonly key: string;
}

/** What a store is asked. `set` is another name for `put`. In `cas`, an old value of null means that the key is absent. */
export type KvCall = Keyed &
  (
    | { readonly op: 'get' | 'del' | 'incr'; readonly args: readonly [] }
    | { readonly op: 'put' | 'set'; readonly args: readonly [string] }
    | { readonly op: 'append'; readonly args: readonly [string] }
    | { readonly op: 'cas'; readonly args: readonly [KvValue, string] }
  );

const none = [0, 0] as const;
const one = [1, 1] as const;

const noValue = (args: readonly Value[]): string | undefined =>
  args.at(-1) === null ? 'a key cannot be given the value nil' : undefined;

const shapes: Readonly<Record<KvCall['op'], CallShape>> = {
  get: { keyed: true, args: none, result: 'value' },
  put: { keyed: true, args: one, result: 'ack', wrong: noValue },
  set: { keyed: true, args: one, result: 'ack', wrong: noValue },
  append: { keyed: true, args: one, result: 'ack', wrong: noValue },
  del: { keyed: true, args: none, result: 'done' },
  cas: { keyed: true, args: [2, 2], result: 'done', wrong: noValue },
  incr: { keyed: true, args: none, result: 'number', refusable: true },
};

const decimal = /^(?:0|-?[1-9][0-9]*)$/;

/** One more than the integer in `text`, or the name of the error. */
const incremented = (text: string): number | { readonly error: string } => {
  if (!decimal.test(text)) return { error: 'NOT_AN_INTEGER' };
  const before = Number(text);
  const fits = Number.isSafeInteger(before) && before < Number.MAX_SAFE_INTEGER;
  return fits ? before + 1 : { error: 'OUT_OF_RANGE' };
};

const incr = (state: KvValue, absent: KvValue, output: Result | undefined): O.Option<KvValue> => {
  const after = incremented(state === absent ? '0' : (state ?? '0'));
  if (typeof after === 'number') {
    const fits = output === undefined || output === null || output === after;
    return fits ? O.some(String(after)) : O.none;
  }
  if (output === undefined) return O.some(state);
  return isError(output) && output.error === after.error ? O.some(state) : O.none;
};

const changes = (state: KvValue, output: Result | undefined, done: boolean, after: KvValue): O.Option<KvValue> => {
  if (output !== undefined && output !== done) return O.none;
  return O.some(done ? after : state);
};

const stepOf =
  (absent: KvValue) =>
  (state: KvValue, call: KvCall, output: Result | undefined): O.Option<KvValue> => {
    switch (call.op) {
      case 'get':
        return output === undefined || output === state ? O.some(state) : O.none;
      case 'put':
      case 'set':
        return O.some(call.args[0]);
      case 'append':
        return O.some((state ?? '') + call.args[0]);
      case 'del':
        return changes(state, output, state !== absent, absent);
      case 'cas':
        return changes(state, output, state === call.args[0], call.args[1]);
      case 'incr':
        return incr(state, absent, output);
      default:
        return unreachable(call);
    }
  };

/** Whether `call` may be what brings `state` closer to `needed`, or starts anew at something that may grow to it. */
const leadsTo = (state: KvValue, needed: KvValue, call: KvCall): boolean => {
  switch (call.op) {
    case 'put':
    case 'set':
      return needed?.startsWith(call.args[0]) === true;
    case 'cas':
      return needed?.startsWith(call.args[1]) === true;
    case 'append': {
      const begun = state ?? '';
      return needed?.startsWith(begun) === true && needed.startsWith(call.args[0], begun.length);
    }
    default:
      return call.op !== 'get';
  }
};

/** A get and a successful cas need their value to be there, or to come about. */
const stillPossible = (state: KvValue, call: KvCall, output: Result, others: () => Iterable<KvCall>): boolean => {
  let needed: Result;
  if (call.op === 'get') needed = output;
  else if (call.op === 'cas' && output === true) needed = call.args[0];
  else return true;
  if (state === needed || (needed !== null && typeof needed !== 'string')) return true;
  for (const other of others()) if (leadsTo(state, needed, other)) return true;
  return false;
};

/**
 * A key-value store, a part for each key. `absent` is what an absent key reads as: null, or '' as in Porcupine's histories,
 * in which nil stands for '' too.
 */
export const kvModelOf = (absent: KvValue): CallModel<KvValue, KvCall, Result> => {
  const read = readerOf<KvCall, Result>('kv', shapes);
  const held = (value: Value): KvValue => (value === null ? absent : String(value));
  return {
    name: 'kv',
    init: absent,
    step: stepOf(absent),
    // States are long where much was appended: a text is its own key.
    stateKey: (state) => state ?? 0,
    partition: ({ key }) => key,
    operationKey: callKey,
    stillPossible,
    readOnly: ({ op }, output) => op === 'get' || output === false || isError(output),
    describe: callText,
    describeState: valueText,
    read: (call, result) => {
      const isValue = call.op === 'get' && result !== undefined && !isError(result);
      return read({ ...call, args: call.args.map(held) }, isValue ? held(result) : result);
    },
  };
};

/** A key-value store in which an absent key reads as nil. */
export const kvModel = kvModelOf(null);
