/** A lock, which starts free (Knossos's mutex): acquired only when free, released only when held. */
import { O } from '../../../spec/prelude.js';
import { callKey, callText, type Value, valueText } from '../value.js';
import { type CallModel, readerOf } from './call-model.js';

/** What a lock is asked. An owner may be named: then a release must name the one who holds the lock. */
export interface LockCall {
  readonly op: 'acquire' | 'release';
  readonly args: readonly [] | readonly [Value];
}

/** Who holds it: an owner, someone (true), or nobody (null). */
export type LockState = { readonly owner: Value } | true | null;

const describeState = (state: LockState): string => {
  if (state === null) return 'free';
  return state === true ? 'held' : `held by ${valueText(state.owner)}`;
};

/** A lock. */
export const lockModel: CallModel<LockState, LockCall, Value> = {
  name: 'lock',
  init: null,
  step: (state, { op, args }) => {
    const [owner] = args;
    if (op === 'acquire') {
      if (state !== null) return O.none;
      return O.some(owner === undefined ? true : { owner });
    }
    if (state === null) return O.none;
    const mayRelease = owner === undefined || state === true || state.owner === owner;
    return mayRelease ? O.some(null) : O.none;
  },
  stateKey: describeState,
  operationKey: callKey,
  describe: callText,
  describeState,
  read: readerOf<LockCall, Value>('lock', {
    acquire: { args: [0, 1], result: 'ack' },
    release: { args: [0, 1], result: 'ack' },
  }),
};
