/**
 * What clients of IronRSM may rely on: one state machine that executes each request at most once. Trusted: read it.
 * (IronFleet, SOSP 2015, section 5.1.1; unlike there, exactly-once is part of the spec.)
 */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { equalBytes } from '../../src/spec/bytes.js';
import { holds, violated } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { O } from '../../src/spec/prelude.js';
import type { Service } from '../../src/spec/service.js';
import type { Configuration } from './configuration.js';
import type { Batch, RsmMessage } from './messages.js';

/** The state machine, and the reply to every request that was executed, by client and seqno. */
export interface RsmSpec {
  readonly app: unknown;
  readonly replies: PersistentMap<string, Uint8Array>;
}

/** One atomic step: execute these requests in this order. */
export interface ExecuteBatch {
  readonly batch: Batch;
}

/** Which request this is: a client never uses a seqno for two requests. */
export const requestKey = (client: EndPoint, seqno: number): string => `${client}#${seqno}`;

/** The service that a cluster with this configuration offers. */
export const rsmService = ({ replicas, app }: Configuration): Service<RsmSpec, ExecuteBatch, RsmMessage> => ({
  name: 'ironrsm',
  init: { app: app.initial, replies: PersistentMap.empty() },
  next: (state, { batch }) => {
    let { app: current, replies } = state;
    for (const r of batch) {
      const key = requestKey(r.client, r.seqno);
      if (replies.has(key)) return O.none;
      const applied = app.apply(current, r.value);
      current = applied.state;
      replies = replies.set(key, applied.reply);
    }
    return O.some({ app: current, replies });
  },
  justifies: (state, { source, target, message }) => {
    if (message.tag !== 'reply' || !replicas.includes(source)) return holds;
    const reply = state.replies.get(requestKey(target, message.seqno));
    if (reply !== undefined && equalBytes(reply, message.value)) return holds;
    const why = reply === undefined ? 'the request was not executed' : 'the request was answered otherwise';
    return violated('REPLY_UNJUSTIFIED', 'every reply is that of the one execution of its request', {
      replica: source,
      client: target,
      seqno: message.seqno,
      why,
    });
  },
  asked: ({ batch }, sent) => {
    for (const { client, seqno, value } of batch) {
      const message: RsmMessage = { tag: 'request', seqno, value };
      if (replicas.some((target) => sent.has({ source: client, target, message }))) continue;
      return violated('EXECUTED_UNASKED', 'only requests that clients sent are executed', { client, seqno });
    }
    return holds;
  },
});
