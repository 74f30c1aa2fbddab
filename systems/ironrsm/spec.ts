/**
 * What clients of IronRSM may rely on: one state machine that executes each request of a session at most once, and answers with the
 * result of that one execution. Trusted: read it. (IronFleet, SOSP 2015, section 5.1.1, which does not demand exactly-once.)
 */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { equalBytes } from '../../src/spec/bytes.js';
import { holds, violated } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { O } from '../../src/spec/prelude.js';
import type { SentSet, Service } from '../../src/spec/service.js';
import type { Configuration, Parameters } from './configuration.js';
import { joined, type Message, parted, type RsmMessage, sessionIdsMax, wireMax } from './messages.js';

/** A request that was executed. */
export interface Executed {
  readonly value: Uint8Array;
  readonly reply: Uint8Array;
}

/** A live session. `high`: the highest seqno executed; `done`: what was executed at or above the floor, by seqno. */
export interface SpecSession {
  readonly floor: number;
  readonly high: number;
  readonly ordered: boolean;
  readonly done: PersistentMap<number, Executed>;
}

/** The service. What replicas hold of it is bounded; the ghosts are not. */
export interface RsmSpec {
  readonly app: unknown;
  readonly nextSession: number;
  readonly sessions: PersistentMap<number, SpecSession>;
  /** Of all replies in `done`. */
  readonly replyBytes: number;
  /** Ghost: who opened each session, by id; expired ones too. */
  readonly opened: PersistentMap<number, { readonly client: EndPoint; readonly nonce: number }>;
  /** Ghost: every request ever executed, by `requestName`. */
  readonly executed: PersistentMap<string, Executed>;
}

/** One atomic step. */
export type RsmStep =
  | { readonly tag: 'open'; readonly client: EndPoint; readonly nonce: number; readonly ordered: boolean }
  /** The client has the outcome of every seqno below `floor`. */
  | { readonly tag: 'raise'; readonly client: EndPoint; readonly session: number; readonly floor: number }
  | {
      readonly tag: 'execute';
      readonly client: EndPoint;
      readonly session: number;
      readonly seqno: number;
      readonly value: Uint8Array;
    }
  | { readonly tag: 'expire'; readonly session: number };

/** Which request this is, for ever: ids of sessions never recur. */
export const requestName = (session: number, seqno: number): string => `${session}.${seqno}`;

const bytesOf = (done: Iterable<Executed>): number => {
  let bytes = 0;
  for (const { reply } of done) bytes += reply.length;
  return bytes;
};

/** Sessions expire when there is no room, and then before anything else happens; never otherwise. */
const isFull = (s: RsmSpec, { sessionsMax, replyBytesMax }: Parameters): boolean =>
  s.sessions.size > sessionsMax || (s.replyBytes > replyBytesMax && s.sessions.size > 1);

const opened = (s: RsmSpec, { client, nonce, ordered }: RsmStep & { tag: 'open' }): RsmSpec | undefined => {
  const id = s.nextSession;
  if (id >= sessionIdsMax || s.opened.has(id)) return undefined;
  const session: SpecSession = { floor: 1, high: 0, ordered, done: PersistentMap.empty() };
  return {
    ...s,
    nextSession: id + 1,
    sessions: s.sessions.set(id, session),
    opened: s.opened.set(id, { client, nonce }),
  };
};

const raised = (s: RsmSpec, { session: id, floor }: RsmStep & { tag: 'raise' }): RsmSpec | undefined => {
  const session = s.sessions.get(id);
  if (session === undefined || floor <= session.floor) return undefined;
  const done = session.done.withMutations((draft) => {
    for (const seqno of session.done.keys()) if (seqno < floor) draft.delete(seqno);
  });
  const replyBytes = s.replyBytes - bytesOf(session.done.values()) + bytesOf(done.values());
  return { ...s, replyBytes, sessions: s.sessions.set(id, { ...session, floor, done }) };
};

/** The operations of `value`, one after the other; or none of them, with an empty reply, where no message has room for their replies. */
const applied = (before: unknown, value: Uint8Array, c: Configuration): { app: unknown; reply: Uint8Array } => {
  let app = before;
  let bytes = 0;
  const replies: Uint8Array[] = [];
  for (const operation of parted(value)) {
    const { state, reply } = c.app.apply(app, operation);
    app = state;
    replies.push(reply);
    bytes += 4 + reply.length;
    if (bytes > wireMax.valueBytes) return { app: before, reply: new Uint8Array() };
  }
  return { app, reply: joined(replies) };
};

const executed = (s: RsmSpec, step: RsmStep & { tag: 'execute' }, c: Configuration): RsmSpec | undefined => {
  const { session: id, seqno, value } = step;
  const session = s.sessions.get(id);
  const name = requestName(id, seqno);
  // The bounded part forbids a second execution, and so does, apart from it, the ghost.
  if (session === undefined || session.done.has(seqno) || s.executed.has(name)) return undefined;
  const { floor, high, ordered, done } = session;
  if (seqno < floor || seqno - floor >= c.parameters.sessionWindow) return undefined;
  // In order, but for those that their client has given up.
  if (ordered && seqno !== Math.max(high + 1, floor)) return undefined;
  if (value.length > c.parameters.requestBytesMax) return undefined;
  const { app, reply } = applied(s.app, value, c);
  const entry: Executed = { value, reply };
  return {
    ...s,
    app,
    replyBytes: s.replyBytes + reply.length,
    sessions: s.sessions.set(id, { ...session, high: Math.max(high, seqno), done: done.set(seqno, entry) }),
    executed: s.executed.set(name, entry),
  };
};

const expired = (s: RsmSpec, id: number): RsmSpec | undefined => {
  const session = s.sessions.get(id);
  if (session === undefined) return undefined;
  return {
    ...s,
    replyBytes: s.replyBytes - bytesOf(session.done.values()),
    sessions: s.sessions.delete(id),
  };
};

const next = (s: RsmSpec, step: RsmStep, c: Configuration): RsmSpec | undefined => {
  if (isFull(s, c.parameters) !== (step.tag === 'expire')) return undefined;
  if (step.tag === 'open') return opened(s, step);
  if (step.tag === 'raise') return raised(s, step);
  return step.tag === 'execute' ? executed(s, step, c) : expired(s, step.session);
};

/** Whether `client` ever sent a message for which `predicate` holds; the newest are looked at first. */
const didSend = (sent: SentSet<RsmMessage>, client: EndPoint, predicate: (m: RsmMessage) => boolean): boolean =>
  sent.from(client).findLast(({ message }) => predicate(message)) !== undefined;

/** Why no replica may have sent this answer to `client`; undefined where one may. */
const objection = (
  s: RsmSpec,
  client: EndPoint,
  m: Message<'opened' | 'reply' | 'refused'>,
  sent: SentSet<RsmMessage>,
  { requestBytesMax }: Parameters,
): string | undefined => {
  const opening = s.opened.get(m.session);
  if (m.tag === 'opened')
    return opening?.client === client && opening.nonce === m.nonce ? undefined : 'the client did not open this session';
  const done = s.executed.get(requestName(m.session, m.seqno));
  const asked = (predicate: (value: Uint8Array) => boolean): boolean =>
    didSend(
      sent,
      client,
      (r) => r.tag === 'request' && r.session === m.session && r.seqno === m.seqno && predicate(r.value),
    );
  if (m.tag === 'reply') {
    if (done === undefined) return 'the request was not executed';
    if (!equalBytes(done.reply, m.value)) return 'the request was answered otherwise';
    return asked((value) => equalBytes(value, done.value)) ? undefined : 'the client did not ask this';
  }
  switch (m.reason) {
    case 'REQUEST_TOO_LARGE':
      return asked((value) => value.length > requestBytesMax)
        ? undefined
        : 'the client sent no request that is too large';
    case 'SEQNO_REUSED':
      if (done === undefined) return 'nothing was executed under this seqno';
      return asked((value) => !equalBytes(value, done.value)) ? undefined : 'the client used the seqno for one value';
    case 'SESSION_EXPIRED':
      if (opening === undefined || s.sessions.has(m.session)) return 'the session has not expired';
      return asked(() => true) ? undefined : 'the client did not ask this';
  }
};

/** The service that a cluster with this configuration offers. */
export const rsmService = (c: Configuration): Service<RsmSpec, RsmStep, RsmMessage> => ({
  name: 'ironrsm',
  init: {
    app: c.app.initial,
    nextSession: 0,
    sessions: PersistentMap.empty(),
    replyBytes: 0,
    opened: PersistentMap.empty(),
    executed: PersistentMap.empty(),
  },
  next: (state, step) => O.fromNullable(next(state, step, c)),
  justifies: (state, { source, target, message: m }, sent) => {
    if (!c.replicas.includes(source) || (m.tag !== 'opened' && m.tag !== 'reply' && m.tag !== 'refused')) return holds;
    const why = objection(state, target, m, sent, c.parameters);
    if (why === undefined) return holds;
    const evidence = { replica: source, client: target, session: m.session, answer: m.tag, why };
    const seqno = m.tag === 'opened' ? {} : { seqno: m.seqno };
    return violated('REPLY_UNJUSTIFIED', 'every answer is that of the one execution of what its client asked', {
      ...evidence,
      ...seqno,
    });
  },
  asked: (step, sent) => {
    if (step.tag === 'expire') return holds;
    const isAsked = didSend(sent, step.client, (m) => {
      if (step.tag === 'open') return m.tag === 'open' && m.nonce === step.nonce && m.ordered === step.ordered;
      if (m.tag !== 'request' || m.session !== step.session) return false;
      if (step.tag === 'raise') return m.floor === step.floor;
      return m.seqno === step.seqno && equalBytes(m.value, step.value);
    });
    if (isAsked) return holds;
    const { tag, client } = step;
    return violated('EXECUTED_UNASKED', 'only what clients sent is executed', { step: tag, client });
  },
});
