/**
 * What users of the lock may rely on: one holder after the other. Trusted: read it. (IronFleet, SOSP 2015, section 2,
 * figure 4.)
 */
import { type Check, holds, violated } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { O } from '../../src/spec/prelude.js';
import type { Service } from '../../src/spec/service.js';
import type { LockMessage } from './messages.js';

/** Who held the lock, in order: in epoch `e` it was `history[e - 1]`. */
export interface LockSpec {
  readonly history: readonly EndPoint[];
}

/** One atomic step: the lock goes to `holder`. */
export interface Grant {
  readonly holder: EndPoint;
}

/** The service that the cluster of `nodes` offers; the first of them holds the lock at the start. */
export const lockService = (nodes: readonly EndPoint[]): Service<LockSpec, Grant, LockMessage> => ({
  name: 'lock',
  init: { history: nodes.slice(0, 1) },
  next: ({ history }, { holder }) => (nodes.includes(holder) ? O.some({ history: [...history, holder] }) : O.none),
  justifies: ({ history }, { source, message }) => {
    if (!nodes.includes(source)) return holds;
    switch (message.tag) {
      case 'locked':
        return held(history, source, message.epoch);
      case 'status':
        // Epoch 0 claims nothing: this node never held the lock, and does not now.
        return message.epoch === 0 && !message.holds ? holds : held(history, source, message.epoch);
      default:
        return holds;
    }
  },
  // Nobody asks for the lock: it goes round by itself.
  asked: () => holds,
});

const held = (history: readonly EndPoint[], node: EndPoint, epoch: number): Check => {
  if (epoch >= 1 && epoch <= history.length && history[epoch - 1] === node) return holds;
  const holder = history[epoch - 1] ?? 'nobody yet';
  return violated('LOCKED_UNJUSTIFIED', 'a node names only epochs in which it was the holder', { node, epoch, holder });
};
