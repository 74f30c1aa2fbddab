/** Registers, which start as nil: with reads and writes, and with compare-and-set (Jepsen's and Knossos's cas-register). */
import { O, unreachable } from '../../../spec/prelude.js';
import { callKey, callText, type Value, valueKey, valueText } from '../value.js';
import { type CallModel, readerOf } from './call-model.js';

/** What a register is asked. A read is answered with the value. */
export type RegisterCall =
  | { readonly op: 'read'; readonly args: readonly [] }
  | { readonly op: 'write'; readonly args: readonly [Value] };

/** Also `cas`: old and new value; answered with whether the old one was there. */
export type CasRegisterCall = RegisterCall | { readonly op: 'cas'; readonly args: readonly [Value, Value] };

const shapes = {
  read: { args: [0, 0], result: 'value' },
  write: { args: [1, 1], result: 'ack' },
} as const;

const step = (state: Value, call: CasRegisterCall, output: Value | undefined): O.Option<Value> => {
  switch (call.op) {
    case 'read':
      return output === undefined || output === state ? O.some(state) : O.none;
    case 'write':
      return O.some(call.args[0]);
    case 'cas': {
      const matches = state === call.args[0];
      if (output !== undefined && output !== matches) return O.none;
      return O.some(matches ? call.args[1] : state);
    }
    default:
      return unreachable(call);
  }
};

/** A read and a successful cas need their value to be there, or to be written. */
const stillPossible = (
  state: Value,
  call: CasRegisterCall,
  output: Value,
  others: () => Iterable<CasRegisterCall>,
): boolean => {
  if (call.op === 'write' || (call.op === 'cas' && output === false)) return true;
  const needed = call.op === 'read' ? output : call.args[0];
  if (state === needed) return true;
  for (const { op, args } of others()) if (op !== 'read' && args.at(-1) === needed) return true;
  return false;
};

const common = {
  init: null,
  step,
  stateKey: valueKey,
  operationKey: callKey,
  stillPossible,
  readOnly: ({ op }: CasRegisterCall, output: Value) => op === 'read' || (op === 'cas' && output === false),
  describe: callText,
  describeState: valueText,
};

/** A register. */
export const registerModel: CallModel<Value, RegisterCall, Value> = {
  ...common,
  name: 'register',
  read: readerOf<RegisterCall, Value>('register', shapes),
};

/** A register with compare-and-set. */
export const casRegisterModel: CallModel<Value, CasRegisterCall, Value> = {
  ...common,
  name: 'cas-register',
  read: readerOf<CasRegisterCall, Value>('cas-register', { ...shapes, cas: { args: [2, 2], result: 'done' } }),
};
