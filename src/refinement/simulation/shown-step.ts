/** Steps in words, for traces and people. */
import type { Codec } from '../../network/codec.js';
import type { StepRecord } from '../../network/step-io.js';
import { E } from '../../spec/prelude.js';
import { showValue } from '../values.js';

/** One host step, its messages decoded. */
export interface ShownStep {
  readonly step: number;
  readonly events: readonly string[];
  readonly actions: readonly string[];
}

const messageBudget = 200;

/** Describes a step; bytes that do not decode are shown as such. */
export const describeStep = <M, W>(record: StepRecord<W>, codec: Codec<M>): ShownStep => {
  const shown = (bytes: Uint8Array): string => {
    const message = codec.decode(bytes);
    return E.isRight(message) ? showValue(message.right, messageBudget) : `${bytes.length} bytes that are no message`;
  };
  return {
    step: record.step,
    events: record.events.map((event) => {
      switch (event.tag) {
        case 'receive':
          return `receive from ${event.source}: ${shown(event.bytes)}`;
        case 'send':
          return `send to ${event.target}: ${shown(event.bytes)}`;
        case 'self':
          return `to itself: ${shown(event.bytes)}`;
        case 'clock':
          return `clock ${event.timeMs} ms`;
        default:
          return event.tag;
      }
    }),
    actions: record.actions.map((action) => showValue(action, messageBudget)),
  };
};
