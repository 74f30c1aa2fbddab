/** The spec of IronRSM: each request at most once, each reply that of its one execution (SOSP 2015, section 5.1.1). */
import { describe, expect, it } from 'vitest';
import { SentPackets } from '../../src/protocol/sent-packets.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E, O } from '../../src/spec/prelude.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { type Request, type RsmMessage, rsmCodec } from '../../systems/ironrsm/messages.js';
import { type RsmSpec, requestKey, rsmService } from '../../systems/ironrsm/spec.js';

const replicas = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));
const [replica] = replicas as [(typeof replicas)[number]];
const client = endPoint('10.0.0.9:9000');
const service = rsmService({ replicas, app: counter, parameters: defaultParameters });

const request = (seqno: number): Request => ({ client, seqno, value: new Uint8Array() });

const executed = (state: RsmSpec, ...seqnos: number[]): RsmSpec => {
  const next = service.next(state, { batch: seqnos.map(request) });
  if (O.isNone(next)) throw new Error('refused');
  return next.value;
};

const replyOf = (state: RsmSpec, seqno: number): Uint8Array =>
  state.replies.get(requestKey(client, seqno)) ?? new Uint8Array();

const reply = (seqno: number, value: Uint8Array) => ({
  source: replica,
  target: client,
  message: { tag: 'reply', seqno, value } as const,
});

const codeOf = (check: ReturnType<typeof service.justifies>): string | undefined =>
  E.isLeft(check) ? check.left.code : undefined;

describe('the service', () => {
  it('executes a batch in order and answers each request', () => {
    const state = executed(service.init, 1, 2);
    expect(replyOf(state, 1)).not.toEqual(replyOf(state, 2));
    expect(state.replies.size).toBe(2);
  });

  it('does not execute a request twice, in one batch or in two', () => {
    expect(O.isNone(service.next(executed(service.init, 1), { batch: [request(1)] }))).toBe(true);
    expect(O.isNone(service.next(service.init, { batch: [request(1), request(1)] }))).toBe(true);
  });

  it('justifies the reply of an execution, again and again', () => {
    const state = executed(service.init, 1, 2);
    expect(codeOf(service.justifies(state, reply(1, replyOf(state, 1))))).toBeUndefined();
  });

  it('justifies no reply before the execution, and no other one after it', () => {
    const state = executed(service.init, 1, 2);
    expect(codeOf(service.justifies(service.init, reply(1, replyOf(state, 1))))).toBe('REPLY_UNJUSTIFIED');
    expect(codeOf(service.justifies(state, reply(1, replyOf(state, 2))))).toBe('REPLY_UNJUSTIFIED');
    expect(codeOf(service.justifies(state, reply(3, replyOf(state, 2))))).toBe('REPLY_UNJUSTIFIED');
  });

  it('does not answer for a reply that no replica sent', () => {
    const forged = { ...reply(1, new Uint8Array()), source: client };
    expect(codeOf(service.justifies(service.init, forged))).toBeUndefined();
  });

  it('executes only what its client sent, to whichever replica', () => {
    const sent = new SentPackets<RsmMessage>(rsmCodec.encode);
    const step = { batch: [request(1)] };
    expect(codeOf(service.asked(step, sent))).toBe('EXECUTED_UNASKED');
    sent.add({ source: client, target: client, message: { tag: 'request', seqno: 1, value: new Uint8Array() } });
    expect(codeOf(service.asked(step, sent))).toBe('EXECUTED_UNASKED');
    const [, , last] = replicas as [unknown, unknown, typeof replica];
    sent.add({ source: client, target: last, message: { tag: 'request', seqno: 1, value: Uint8Array.of(1) } });
    expect(codeOf(service.asked(step, sent))).toBe('EXECUTED_UNASKED');
    sent.add({ source: client, target: last, message: { tag: 'request', seqno: 1, value: new Uint8Array() } });
    expect(codeOf(service.asked(step, sent))).toBeUndefined();
  });
});
