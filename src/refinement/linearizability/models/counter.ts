/** A counter, which starts at 0. */
import { O, unreachable } from '../../../spec/prelude.js';
import { callKey, callText } from '../value.js';
import { type CallModel, readerOf } from './call-model.js';

/** What a counter is asked. `increment` and `add` are answered with the new value, or with null: it was done. */
export type CounterCall =
  | { readonly op: 'increment' | 'read'; readonly args: readonly [] }
  | { readonly op: 'add'; readonly args: readonly [number] };

const add = (state: number, by: number, output: number | null | undefined): O.Option<number> => {
  const after = state + by;
  return output === undefined || output === null || output === after ? O.some(after) : O.none;
};

/** A counter. */
export const counterModel: CallModel<number, CounterCall, number | null> = {
  name: 'counter',
  init: 0,
  step: (state, call, output) => {
    switch (call.op) {
      case 'increment':
        return add(state, 1, output);
      case 'add':
        return add(state, call.args[0], output);
      case 'read':
        return output === undefined || output === state ? O.some(state) : O.none;
      default:
        return unreachable(call);
    }
  },
  stateKey: (state) => state,
  operationKey: callKey,
  readOnly: ({ op }) => op === 'read',
  stillPossible: (state, { op, args }, output, others) => {
    const needed = (output ?? Number.POSITIVE_INFINITY) - (op === 'add' ? args[0] : op === 'increment' ? 1 : 0);
    if (state <= needed) return true;
    for (const other of others()) if (other.op === 'add' && other.args[0] < 0) return true;
    return false;
  },
  describe: callText,
  describeState: String,
  read: readerOf<CounterCall, number | null>('counter', {
    increment: { args: [0, 0], result: 'number' },
    add: {
      args: [1, 1],
      result: 'number',
      wrong: ([by]) => (Number.isSafeInteger(by) ? undefined : 'add takes a whole number'),
    },
    read: { args: [0, 0], result: 'number' },
  }),
};
