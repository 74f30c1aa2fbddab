/** A first-in first-out queue, which starts empty (Herlihy and Wing, 1990, section 1). */
import { O } from '../../../spec/prelude.js';
import { callKey, callText, type Value, valueText } from '../value.js';
import { type CallModel, readerOf } from './call-model.js';

/** What a queue is asked. `dequeue` is answered with the oldest value, or null where there is none. */
export type QueueCall =
  | { readonly op: 'enqueue'; readonly args: readonly [Value] }
  | { readonly op: 'dequeue'; readonly args: readonly [] };

/** Oldest first. */
export type QueueState = readonly Value[];

/** A queue. */
export const queueModel: CallModel<QueueState, QueueCall, Value> = {
  name: 'queue',
  init: [],
  step: (state, call, output) => {
    if (call.op === 'enqueue') return O.some([...state, call.args[0]]);
    const oldest = state[0] ?? null;
    if (output !== undefined && output !== oldest) return O.none;
    return O.some(state.length === 0 ? state : state.slice(1));
  },
  stateKey: (state) => JSON.stringify(state),
  operationKey: callKey,
  readOnly: ({ op }, output) => op === 'dequeue' && output === null,
  stillPossible: (state, { op }, output, others) => {
    if (op === 'enqueue' || output === null || state.includes(output)) return true;
    for (const other of others()) if (other.op === 'enqueue' && other.args[0] === output) return true;
    return false;
  },
  describe: callText,
  describeState: (state) => `[${state.map(valueText).join(', ')}]`,
  read: readerOf<QueueCall, Value>('queue', {
    enqueue: {
      args: [1, 1],
      result: 'ack',
      wrong: ([value]) => (value === null ? 'nil cannot be enqueued: it means that the queue is empty' : undefined),
    },
    dequeue: { args: [0, 0], result: 'value' },
  }),
};
