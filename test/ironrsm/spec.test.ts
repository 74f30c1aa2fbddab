/** The spec of IronRSM: each request of a session at most once, each answer that of its one execution (SOSP 2015, section 5.1.1). */
import { describe, expect, it } from 'vitest';
import { SentPackets } from '../../src/protocol/sent-packets.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E, O } from '../../src/spec/prelude.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { joined, type Message, type RsmMessage, rsmCodec } from '../../systems/ironrsm/messages.js';
import { type RsmSpec, type RsmStep, rsmService } from '../../systems/ironrsm/spec.js';

const replicas = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));
const [replica] = replicas as [(typeof replicas)[number]];
const client = endPoint('10.0.0.9:9000');
const other = endPoint('10.0.0.9:9001');
const parameters = { ...defaultParameters, sessionsMax: 2, sessionWindow: 4, replyBytesMax: 48, requestBytesMax: 7 };
const service = rsmService({ replicas, app: counter, parameters });

const open = (ordered = false): RsmStep => ({ tag: 'open', client, nonce: 7, ordered });
const raise = (session: number, floor: number): RsmStep => ({ tag: 'raise', client, session, floor });
const expire = (session: number): RsmStep => ({ tag: 'expire', session });
const execute = (session: number, seqno: number, ...value: number[]): RsmStep => ({
  tag: 'execute',
  client,
  session,
  seqno,
  value: joined([Uint8Array.from(value)]),
});

/** A request with several operations, or with a value that is no list. */
const executeValue = (session: number, seqno: number, value: Uint8Array): RsmStep => ({
  ...{ tag: 'execute', client, session, seqno, value },
});

const reach = (state: RsmSpec, ...steps: RsmStep[]): RsmSpec => {
  let current = state;
  for (const step of steps) {
    const next = service.next(current, step);
    if (O.isNone(next)) throw new Error(`refused: ${JSON.stringify(step)}`);
    current = next.value;
  }
  return current;
};

const refuses = (state: RsmSpec, step: RsmStep): boolean => O.isNone(service.next(state, step));

const one = reach(service.init, open());

describe('the service', () => {
  it('gives sessions ids that never recur, each to the open that asked', () => {
    const state = reach(one, open(true), open(), expire(0), open(), expire(1));
    expect([...state.sessions.keys()].sort()).toEqual([2, 3]);
    expect(state.nextSession).toBe(4);
    expect(state.opened.size).toBe(4);
  });

  it('executes a seqno of a session once, by what it holds and by what it remembers', () => {
    const state = reach(one, execute(0, 1));
    expect(refuses(state, execute(0, 1))).toBe(true);
    expect(refuses(state, execute(0, 1, 9))).toBe(true);
    // Each of both guards alone: with the entry gone, and with the ghost gone.
    const session = state.sessions.get(0);
    if (session === undefined) throw new Error('no session');
    const forgotten = state.sessions.set(0, { ...session, done: session.done.delete(1) });
    expect(refuses({ ...state, sessions: forgotten }, execute(0, 1))).toBe(true);
    expect(refuses({ ...state, executed: service.init.executed }, execute(0, 1))).toBe(true);
    expect(refuses({ ...state, sessions: forgotten, executed: service.init.executed }, execute(0, 1))).toBe(false);
  });

  it('executes within the window only, which the floor moves', () => {
    expect(refuses(one, execute(0, 0))).toBe(true);
    expect(refuses(one, execute(0, 5))).toBe(true);
    const state = reach(one, execute(0, 4), execute(0, 2), raise(0, 3));
    expect(refuses(state, execute(0, 1))).toBe(true);
    expect(refuses(state, execute(0, 7))).toBe(true);
    expect(refuses(state, raise(0, 3))).toBe(true);
    expect(reach(state, execute(0, 6)).replyBytes).toBe(24);
  });

  it('executes nothing below a floor, not even what it no longer remembers', () => {
    const state = { ...reach(one, execute(0, 1), raise(0, 2)), executed: service.init.executed };
    expect(refuses(state, execute(0, 1))).toBe(true);
  });

  it('executes an ordered session in order, but for what its client gave up', () => {
    const state = reach(service.init, open(true));
    expect(refuses(state, execute(0, 2))).toBe(true);
    expect(refuses(reach(state, execute(0, 1)), execute(0, 3))).toBe(true);
    expect(reach(state, execute(0, 1), raise(0, 3), execute(0, 3)).app).toBe(2);
  });

  it('executes nothing in a session that is not live, and nothing that is too large', () => {
    expect(refuses(service.init, execute(0, 1))).toBe(true);
    expect(refuses(reach(one, open(), open(), expire(0)), execute(0, 1))).toBe(true);
    expect(refuses(one, execute(0, 1, 1, 2, 3, 4))).toBe(true);
    expect(refuses(one, execute(0, 1, 1, 2, 3))).toBe(false);
  });

  it('executes the operations of a request in their order, each once, and nothing of a value that is no list', () => {
    const roomy = rsmService({ replicas, app: counter, parameters: { ...parameters, requestBytesMax: 12 } });
    const next = (state: RsmSpec, step: RsmStep): RsmSpec => {
      const successor = roomy.next(state, step);
      if (O.isNone(successor)) throw new Error('refused');
      return successor.value;
    };
    const counts = (...all: number[]): Uint8Array => joined(all.map((n) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n)));
    const three = next(one, executeValue(0, 1, joined([1, 2, 3].map(() => new Uint8Array()))));
    expect(three.app).toBe(3);
    expect(three.executed.get('0.1')?.reply).toEqual(counts(1, 2, 3));
    expect(three.replyBytes).toBe(36);
    // The bound is one on the value, not on an operation.
    expect(O.isNone(roomy.next(three, executeValue(0, 2, joined([1, 2, 3, 4].map(() => new Uint8Array())))))).toBe(
      true,
    );
    for (const value of [Uint8Array.of(1), Uint8Array.of(0, 0, 0, 2, 1), new Uint8Array()]) {
      const none = next(three, executeValue(0, 2, value));
      expect([none.app, none.replyBytes]).toEqual([3, 36]);
      expect(none.executed.get('0.2')).toEqual({ value, reply: new Uint8Array() });
      expect(O.isNone(roomy.next(none, execute(0, 2)))).toBe(true);
    }
  });

  it('lets sessions expire where there are too many or replies too long, then at once, and never else', () => {
    expect(refuses(one, expire(0))).toBe(true);
    const crowded = reach(one, open(), open());
    expect(refuses(crowded, execute(0, 1))).toBe(true);
    expect(refuses(reach(crowded, expire(1)), expire(0))).toBe(true);
    const wordy = reach(one, open(), ...[1, 2, 3, 4].map((n) => execute(0, n)), execute(1, 1));
    expect(wordy.replyBytes).toBe(60);
    expect(refuses(wordy, execute(1, 2))).toBe(true);
    expect(reach(wordy, expire(0)).replyBytes).toBe(12);
  });
});

const sentOf = (...packets: [typeof client, Message<'request' | 'open'>][]): SentPackets<RsmMessage> => {
  const sent = new SentPackets<RsmMessage>(rsmCodec.encode);
  for (const [source, message] of packets) sent.add({ source, target: replica, message });
  return sent;
};

const request = (session: number, seqno: number, ...value: number[]): Message<'request'> => ({
  tag: 'request',
  session,
  seqno,
  floor: 1,
  value: joined([Uint8Array.from(value)]),
});

describe('the service answers', () => {
  const state = reach(one, execute(0, 1, 5), execute(0, 2, 6));
  const sent = sentOf([client, request(0, 1, 5)], [client, request(0, 2, 6)], [client, request(0, 3, 1)]);
  const reply = (seqno: number, count: number): RsmMessage => ({
    tag: 'reply',
    session: 0,
    seqno,
    value: joined([Uint8Array.of(0, 0, 0, 0, 0, 0, 0, count)]),
  });
  const refused = (seqno: number, reason: Message<'refused'>['reason'], session = 0): RsmMessage => ({
    tag: 'refused',
    session,
    seqno,
    reason,
  });
  const why = (message: RsmMessage, s = state, set = sent, target = client): unknown => {
    const check = service.justifies(s, { source: replica, target, message }, set);
    return E.isLeft(check) ? check.left.evidence.why : undefined;
  };

  it('with the reply of the one execution, again and again, also after its session expired', () => {
    expect(why(reply(1, 1))).toBeUndefined();
    expect(why(reply(2, 2))).toBeUndefined();
    expect(why(reply(2, 2), reach(state, open(), open(), expire(0)))).toBeUndefined();
  });

  it('with all replies of a request of several operations, in their order', () => {
    const value = joined([new Uint8Array(), new Uint8Array()]);
    const roomy = rsmService({ replicas, app: counter, parameters: { ...parameters, requestBytesMax: 12 } });
    const done = roomy.next(one, executeValue(0, 1, value));
    if (O.isNone(done)) throw new Error('refused');
    const set = sentOf([client, { tag: 'request', session: 0, seqno: 1, floor: 1, value }]);
    const [first, second] = [1, 2].map((n) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n)) as [Uint8Array, Uint8Array];
    const replies = (...parts: Uint8Array[]): RsmMessage => ({
      ...{ tag: 'reply', session: 0, seqno: 1, value: joined(parts) },
    });
    expect(why(replies(first, second), done.value, set)).toBeUndefined();
    for (const wrong of [replies(second, first), replies(first), replies(first, second, second), replies()])
      expect(why(wrong, done.value, set)).toBe('the request was answered otherwise');
  });

  it('with no other reply, to nobody else, and not before the execution', () => {
    expect(why(reply(1, 1), one)).toBe('the request was not executed');
    expect(why(reply(1, 2))).toBe('the request was answered otherwise');
    expect(why(reply(3, 2))).toBe('the request was not executed');
    expect(why(reply(1, 1), state, sent, other)).toBe('the client did not ask this');
    expect(why(reply(1, 1), state, sentOf([client, request(0, 1, 4)]))).toBe('the client did not ask this');
  });

  it('an open with its session, to whom it belongs', () => {
    const opened = (session: number, nonce: number): RsmMessage => ({ tag: 'opened', session, nonce });
    expect(why(opened(0, 7))).toBeUndefined();
    for (const message of [opened(1, 7), opened(0, 8)])
      expect(why(message)).toBe('the client did not open this session');
    expect(why(opened(0, 7), state, sent, other)).toBe('the client did not open this session');
  });

  it('that a request is too large where it is', () => {
    const large = sentOf([client, request(0, 1, 1, 2, 3, 4)]);
    expect(why(refused(1, 'REQUEST_TOO_LARGE'), state, large)).toBeUndefined();
    for (const [seqno, set] of [
      [2, large],
      [1, sent],
    ] as const)
      expect(why(refused(seqno, 'REQUEST_TOO_LARGE'), state, set)).toBe('the client sent no request that is too large');
  });

  it('that a seqno was used twice where it was', () => {
    const reused = sentOf([client, request(0, 1, 5)], [client, request(0, 1, 6)], [client, request(0, 3, 6)]);
    expect(why(refused(1, 'SEQNO_REUSED'), state, reused)).toBeUndefined();
    expect(why(refused(1, 'SEQNO_REUSED'))).toBe('the client used the seqno for one value');
    expect(why(refused(3, 'SEQNO_REUSED'), state, reused)).toBe('nothing was executed under this seqno');
  });

  it('that a session has expired where it has', () => {
    const gone = reach(state, open(), open(), expire(0));
    expect(why(refused(1, 'SESSION_EXPIRED'), gone)).toBeUndefined();
    expect(why(refused(1, 'SESSION_EXPIRED'))).toBe('the session has not expired');
    expect(why(refused(1, 'SESSION_EXPIRED', 9), gone)).toBe('the session has not expired');
    expect(why(refused(9, 'SESSION_EXPIRED'), gone)).toBe('the client did not ask this');
  });

  it('a redirect at any time, and does not answer for what no replica sent', () => {
    expect(why({ tag: 'redirect', view: { seqno: 9, proposer: 1 } })).toBeUndefined();
    const forged = { source: client, target: client, message: reply(9, 9) };
    expect(E.isRight(service.justifies(state, forged, sent))).toBe(true);
  });
});

describe('the service takes', () => {
  const code = (step: RsmStep, sent: SentPackets<RsmMessage>): string | undefined => {
    const check = service.asked(step, sent);
    return E.isLeft(check) ? check.left.code : undefined;
  };

  it('only what its client sent', () => {
    const sent = sentOf(
      [client, { tag: 'open', nonce: 7, ordered: false }],
      [client, { ...request(0, 3, 5), floor: 2 }],
      [other, request(0, 4, 5)],
    );
    for (const step of [open(), raise(0, 2), execute(0, 3, 5), expire(4)]) expect(code(step, sent)).toBeUndefined();
    for (const step of [open(true), raise(0, 1), raise(1, 2), execute(0, 3, 6), execute(0, 4, 5), execute(1, 3, 5)])
      expect(code(step, sent)).toBe('EXECUTED_UNASKED');
  });
});
