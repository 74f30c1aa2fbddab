/**
 * Exactly-once as a model for the explorer (README.md, "Executing a batch"): the sessions that replicas hold, which are bounded, against the
 * ghost of everything ever executed, which is not. The log is reduced to its order: what was sent may be executed at any time, in any
 * order, never, or again and again, as after view changes. Which session expires is left open here.
 */
import { type ActionModel, always, alwaysStep, sometimes } from '../../src/refinement/explorer.js';
import { violated } from '../../src/spec/check.js';

/** A request as it was sent, for ever in the set. */
export interface SentRequest {
  readonly session: number;
  readonly seqno: number;
  readonly floor: number;
  readonly value: 'a' | 'b';
}

/** A live session; `done`: values executed at or above the floor, by seqno. */
export interface LiveSession {
  readonly id: number;
  readonly floor: number;
  readonly done: readonly { readonly seqno: number; readonly value: string }[];
}

/** The client of a session: the next seqno, and the seqnos whose outcome it does not know. */
interface ModelClient {
  readonly next: number;
  readonly open: readonly number[];
}

export interface SessionsState {
  /** By session; ids are given in this order. */
  readonly clients: readonly ModelClient[];
  /** Sorted, without doubles. */
  readonly sent: readonly SentRequest[];
  readonly live: readonly LiveSession[];
  /** Ghost: every execution, as `session.seqno.value`, sorted. One that stands here twice was executed twice. */
  readonly executed: readonly string[];
}

/** What becomes of a request that the log executes. */
export type Fate = 'execute' | 'answerAgain' | 'refuseReused' | 'refuseExpired' | 'ignore';

/** A field is a witness: which session, seqno, request. */
export type SessionsAction =
  | { readonly tag: 'open' }
  | { readonly tag: 'expire'; readonly session: number }
  | ClientAction
  | { readonly tag: Fate; readonly request: SentRequest };

/** A step of the client of a session. */
type ClientAction =
  | { readonly tag: 'ask'; readonly session: number }
  | { readonly tag: 'askAgain' | 'learn' | 'giveUp' | 'misuse'; readonly session: number; readonly seqno: number };

/** The rule that is explored: what becomes of a request, once its floor counts. `session` is undefined where it is not live. */
export type Rule = (session: LiveSession | undefined, request: SentRequest, window: number) => Fate;

/** The rule of README.md. */
export const exactlyOnce: Rule = (session, { seqno, floor, value }, window) => {
  if (session === undefined) return 'refuseExpired';
  if (floor > seqno || seqno < session.floor || seqno >= session.floor + window) return 'ignore';
  const done = session.done.find((entry) => entry.seqno === seqno);
  if (done === undefined) return 'execute';
  return done.value === value ? 'answerAgain' : 'refuseReused';
};

const window = 2;
const sessionsMax = 1;

const executionText = ({ session, seqno, value }: SentRequest): string => `${session}.${seqno}.${value}`;

const replaced = <T>(list: readonly T[], at: number, item: T): readonly T[] =>
  list.map((old, i) => (i === at ? item : old));

const sentText = ({ session, seqno, floor, value }: SentRequest): string => `${session}.${seqno}.${floor}.${value}`;

const withSent = (s: SessionsState, request: SentRequest): SessionsState => {
  const text = sentText(request);
  if (s.sent.some((r) => sentText(r) === text)) return s;
  const sent = [...s.sent, request].sort((x, y) => (sentText(x) < sentText(y) ? -1 : 1));
  return { ...s, sent };
};

/** The lowest seqno whose outcome the client does not know. */
const floorOf = ({ open, next }: ModelClient): number => Math.min(next, ...open);

/** The session once the request's floor counts. */
const raised = (session: LiveSession | undefined, { floor, seqno }: SentRequest): LiveSession | undefined =>
  session === undefined || floor > seqno || floor <= session.floor
    ? session
    : { ...session, floor, done: session.done.filter((entry) => entry.seqno >= floor) };

const fateOf = (s: SessionsState, request: SentRequest, rule: Rule): Fate =>
  rule(raised(liveOf(s, request.session), request), request, window);

const liveOf = (s: SessionsState, id: number): LiveSession | undefined => s.live.find((session) => session.id === id);

const actionsUnder = (rule: Rule, seqnos: number) =>
  function* (s: SessionsState): Iterable<SessionsAction> {
    yield { tag: 'open' };
    for (const { id } of s.live) yield { tag: 'expire', session: id };
    for (const [session, { open }] of s.clients.entries()) {
      yield { tag: 'ask', session };
      yield { tag: 'misuse', session, seqno: seqnos };
      for (const seqno of open)
        for (const tag of ['askAgain', 'learn', 'giveUp'] as const) yield { tag, session, seqno };
    }
    for (const request of s.sent) yield { tag: fateOf(s, request, rule), request };
  };

/** What the client of a session does. */
const clientStep = (s: SessionsState, action: ClientAction, seqnos: number): SessionsState | undefined => {
  const { session } = action;
  const client = s.clients[session] as ModelClient;
  const withClient = (changed: ModelClient): SessionsState => ({
    ...s,
    clients: replaced(s.clients, session, changed),
  });
  const { next, open } = client;
  switch (action.tag) {
    case 'ask': {
      const asking = { next: next + 1, open: [...open, next] };
      const floor = floorOf(asking);
      if (next > seqnos || next >= floor + window) return undefined;
      return withSent(withClient(asking), { session, seqno: next, floor, value: 'a' });
    }
    case 'misuse':
      // A client with a bug: a seqno that it used, or one beyond its window.
      return withSent(s, { session, seqno: action.seqno, floor: 1, value: 'b' });
    case 'askAgain':
      return withSent(s, { session, seqno: action.seqno, floor: floorOf(client), value: 'a' });
    default: {
      const answered = s.executed.includes(executionText({ session, seqno: action.seqno, floor: 0, value: 'a' }));
      if (action.tag === 'learn' && !answered) return undefined;
      return withClient({ next, open: open.filter((seqno) => seqno !== action.seqno) });
    }
  }
};

/** The log executes a request. */
const executed = (s: SessionsState, request: SentRequest, fate: Fate): SessionsState => {
  const session = raised(liveOf(s, request.session), request);
  const { seqno, value } = request;
  const entry = { seqno, value };
  const live = s.live.map((old) => {
    if (session === undefined || old.id !== session.id) return old;
    if (fate !== 'execute') return session;
    return { ...session, done: [...session.done, entry].sort((x, y) => x.seqno - y.seqno) };
  });
  return { ...s, live, executed: fate === 'execute' ? [...s.executed, executionText(request)].sort() : s.executed };
};

const nextUnder =
  (rule: Rule, seqnos: number) =>
  (s: SessionsState, action: SessionsAction): SessionsState | undefined => {
    // As in the spec: where there is no room, sessions expire before the log does anything else.
    const isFull = s.live.length > sessionsMax;
    switch (action.tag) {
      case 'expire':
        return isFull ? { ...s, live: s.live.filter(({ id }) => id !== action.session) } : undefined;
      case 'open':
        if (isFull) return undefined;
        return {
          ...s,
          clients: [...s.clients, { next: 1, open: [] }],
          live: [...s.live, { id: s.clients.length, floor: 1, done: [] }],
        };
      default:
        if ('session' in action) return clientStep(s, action, seqnos);
        return isFull ? undefined : executed(s, action.request, fateOf(s, action.request, rule));
    }
  };

const once = always<SessionsState>('no seqno of a session is executed twice', ({ executed: all }) => {
  const names = all.map((text) => text.slice(0, text.lastIndexOf('.')));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined || violated('INVARIANT', 'no seqno of a session is executed twice', { twice });
});

const bounded = always<SessionsState>(
  'what is held is bounded by the window and by the sessions that may live',
  (s) => s.live.every(({ done }) => done.length <= window) && s.live.length <= sessionsMax + 1,
);

const ofTheOne = alwaysStep<SessionsState, SessionsAction>(
  'a request is answered with the result of its one execution, and called reused only where another value was executed',
  (_before, action, after) => {
    if (!('request' in action)) return true;
    const { session, seqno, value } = action.request;
    if (action.tag === 'execute' || action.tag === 'answerAgain')
      return after.executed.includes(executionText(action.request));
    const other = executionText({ session, seqno, floor: 0, value: value === 'a' ? 'b' : 'a' });
    return action.tag !== 'refuseReused' || after.executed.includes(other);
  },
);

const expiredRest = alwaysStep<SessionsState, SessionsAction>(
  'a session that expired executes nothing',
  (before, action, after) =>
    !('request' in action) ||
    liveOf(before, action.request.session) !== undefined ||
    before.executed.length === after.executed.length,
);

const someExpired = (s: SessionsState): boolean =>
  s.executed.some((text) => liveOf(s, Number(text.split('.')[0])) === undefined);

/** `sessions` sessions whose clients ask, ask again, give up, and use the last of `seqnos` seqnos for something else too; one session lives, in a window of two. */
export const sessionsModel = (
  sessions: number,
  seqnos: number,
  rule: Rule = exactlyOnce,
): ActionModel<SessionsState, SessionsAction> => ({
  name: `${sessions} sessions with ${seqnos} seqnos each`,
  init: () => [{ clients: [], sent: [], live: [], executed: [] }],
  actions: actionsUnder(rule, seqnos),
  next: nextUnder(rule, seqnos),
  within: (s) => s.clients.length <= sessions,
  properties: [
    once,
    bounded,
    ofTheOne,
    expiredRest,
    sometimes('a request that was executed is asked again', (s) =>
      s.live.some(({ id, done }) => done.some(({ seqno }) => s.clients[id]?.open.includes(seqno))),
    ),
    sometimes('a floor is above an executed seqno', (s) =>
      s.live.some(({ id, floor }) => s.executed.some((text) => text.startsWith(`${id}.${floor - 1}.`))),
    ),
    ...(sessions < 2 ? [] : [sometimes('a session that executed something has expired', someExpired)]),
  ],
  showAction: (action) =>
    'request' in action
      ? `${action.tag}(${sentText(action.request)})`
      : `${action.tag}(${Object.values(action).slice(1).join(', ')})`,
});
