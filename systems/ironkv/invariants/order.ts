/** In which order the requests of a session are executed (README.md, "Order within a session"). */
import { ofHistory } from '../../../src/refinement/cluster.js';
import type { KvHistory } from '../history.js';
import { type KvMessage, textOfSession } from '../messages.js';
import type { HostState } from '../protocol.js';
import type { Invariant } from './form.js';
import { ofAllKnowledge } from './knowledge.js';

export const nextIsTrue: Invariant = ofAllKnowledge(
  'NextIsTrue',
  'README.md, "Order within a session": who has `next` was told that the one before it was executed',
  ({ history }, { session, next }) => {
    const highest = history.orders.get(textOfSession(session))?.highest ?? -1;
    return next <= highest + 1 ? undefined : { session, next, highest };
  },
);

export const orderIsKept: Invariant = ofHistory<HostState, KvMessage, KvHistory>(
  'OrderIsKept',
  'README.md, "Order within a session"',
  ({ history }) => history.orderConflict ?? undefined,
);
