/**
 * A client as a deterministic state machine: times and packets go in, sends and outcomes come out (README.md, "What clients
 * add"). It opens a session when it needs one. The simulator drives it under virtual time, a port on a socket.
 */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { type Ballot, ballotOrd, type Message, parted, type RsmMessage } from '../messages.js';
import {
  type ClientError,
  closedError,
  failed,
  type Outcome,
  replyTooLarge,
  seqnoReused,
  sessionExpired,
  timedOut,
  tooLarge,
} from './outcome.js';
import { type Operation, type Pending, pendingOf, takeOverdue, Waiting, Window } from './window.js';

/** What a client does to the world. */
export interface ClientEffects {
  /** Sends each message to each target. The arrays must not be changed, nor kept. */
  send(targets: readonly EndPoint[], messages: readonly RsmMessage[]): void;
  /** Called once for each operation; new ones may be asked for from there. */
  settled(id: number, outcome: Outcome): void;
  /** Operations wait to be sent: `flush` is to be called soon, so that what is asked for meanwhile shares their request. Without it they are sent at once. */
  defer?(): void;
}

/** What a client is made of. */
export interface ClientCoreOptions {
  readonly replicas: readonly EndPoint[];
  /** Whether requests are executed in the order in which they were made. */
  readonly ordered: boolean;
  /** Bytes of a request that carries several operations, at most the cluster's `requestBytesMax`. */
  readonly requestBytesMax?: number;
  /** Requests that may be outstanding, at most the cluster's `sessionWindow`; more wait for their turn. */
  readonly window: number;
  /** The first wait for a reply, longer where replies take longer lately; further ones are half as long again each time, up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** From 0 to 1: spreads retries, so that clients that lost one leader do not ask the next all at once. */
  readonly random: () => number;
  /** A natural that no client at this end point has drawn before. */
  readonly nonce: () => number;
}

/** A session as its client sees it. */
export interface ClientSession {
  readonly id: number;
  /** The client has the outcome of every seqno below. */
  readonly floor: number;
  /** The next seqno. */
  readonly next: number;
}

/** An `open` under way. One nonce for all tries, so that a replica that holds the request does not hold it twice. */
interface Opening {
  readonly message: Message<'open'>;
  target: EndPoint | undefined;
  retryAtMs: number;
  waitMs: number;
}

const backOff = 1.5;

/** Operations, and bytes, that share a request: more gain little, and are executed, or lost, together. */
const operationsMax = 64;
const sharedBytesMax = 65_536;

/** The share of the last answer in `#usualMs`. */
const smoothing = 1 / 8;

/** A client and its session. */
export class ClientCore {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #single: ReadonlyMap<EndPoint, readonly EndPoint[]>;
  readonly #waiting = new Waiting();
  #window: Window | undefined;
  #opening: Opening | undefined;
  /** The replica that is believed to lead, as a list of targets. */
  #leader: readonly EndPoint[] | undefined;
  /** The highest view that a redirect named. */
  #view: Ballot | undefined;
  #nextId = 1;
  #deferred = false;
  #unsettled = 0;
  /** No deadline and no retry lies before it. Only `onTime` moves it up. */
  #quietUntilMs = Infinity;
  /** How long answers took lately, from the first try on. */
  #usualMs = 0;
  /** Requests of one moment share it, so that they are sent again in one bundle. */
  #spread: number;

  constructor(options: ClientCoreOptions, effects: ClientEffects) {
    if (!(options.window >= 1)) throw new RangeError('a window holds at least one request');
    this.#options = options;
    this.#effects = effects;
    this.#single = new Map(options.replicas.map((r) => [r, [r]]));
    this.#spread = this.#drawSpread();
  }

  /** Whether some operation waits for its outcome. */
  get busy(): boolean {
    return this.#unsettled > 0;
  }

  /** When `onTime` wants to be called; `Infinity` while no request waits for its outcome. */
  get wakeAtMs(): number {
    return this.#unsettled > 0 ? this.#quietUntilMs : Infinity;
  }

  /** The session, `undefined` while none is open. */
  get session(): ClientSession | undefined {
    const w = this.#window;
    return w === undefined ? undefined : { id: w.session, floor: w.floor, next: w.next };
  }

  /** Has the operation `value`, which must not change until then, executed at most once; its id. It settles by `timeoutMs` from now, and not during this call. */
  request(nowMs: number, value: Uint8Array, timeoutMs: number): number {
    const id = this.#nextId;
    this.#nextId = successor(id);
    this.#unsettled++;
    const deadlineMs = nowMs + timeoutMs;
    this.#waiting.push({ id, value, timeoutMs, deadlineMs });
    this.#wakeBy(deadlineMs);
    this.#advance(nowMs);
    return id;
  }

  /** Takes a packet. What is no answer to something outstanding, or comes from a stranger, is ignored. */
  onPacket(source: EndPoint, message: RsmMessage, nowMs: number): void {
    const replica = this.#single.get(source);
    if (replica === undefined) return;
    switch (message.tag) {
      case 'reply':
        this.#onReply(replica, message, nowMs);
        return;
      case 'opened':
        this.#onOpened(replica, message, nowMs);
        return;
      case 'refused':
        this.#onRefused(message, nowMs);
        return;
      case 'redirect':
        this.#onRedirect(source, message.view);
        return;
      default:
        return;
    }
  }

  /** Reports what was not answered in time, and asks again where the wait for a reply is over. */
  onTime(nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    const overdue = this.#takeOverdue(nowMs);
    const unsent = this.#waiting.takeExpired(nowMs);
    this.#unsettled -= overdue.length + unsent.length;
    if (this.#unsettled === 0) this.#opening = undefined;
    else this.#askAgain(nowMs);
    this.#quietUntilMs = this.#nextWakeMs();
    for (const { id, timeoutMs } of overdue) this.#effects.settled(id, failed(timedOut(timeoutMs, true)));
    for (const { id, timeoutMs } of unsent) this.#effects.settled(id, failed(timedOut(timeoutMs, false)));
    this.#advance(nowMs);
  }

  /** Ends the session here; what waits for its outcome fails as `Closed`. */
  close(): void {
    const sent = this.#window?.all() ?? [];
    const unsent = this.#waiting.takeExpired(Infinity);
    this.#window = undefined;
    this.#opening = undefined;
    this.#unsettled = 0;
    for (const { open } of sent) for (const { id } of open) this.#effects.settled(id, failed(closedError(true)));
    for (const { id } of unsent) this.#effects.settled(id, failed(closedError(false)));
  }

  /** Sends what waits, as far as the window has room. */
  flush(nowMs: number): void {
    this.#deferred = false;
    this.#send(nowMs);
  }

  #advance(nowMs: number): void {
    if (this.#waiting.empty || this.#deferred) return;
    if (this.#effects.defer === undefined) {
      this.#send(nowMs);
      return;
    }
    this.#deferred = true;
    this.#effects.defer();
  }

  /** Sends what the window has room for; opens a session where there is none. */
  #send(nowMs: number): void {
    if (this.#waiting.empty) return;
    const window = this.#window;
    if (window === undefined) {
      this.#open(nowMs);
      return;
    }
    if (window.full) return;
    const [target] = this.#leader ?? [];
    const messages: RsmMessage[] = [];
    const { retryMs, retryMsMax, requestBytesMax = sharedBytesMax } = this.#options;
    const bytesMax = Math.min(requestBytesMax, sharedBytesMax);
    // A service that is slow under load gets slower where it is asked everything twice.
    const waitMs = Math.min(Math.max(retryMs, 2 * this.#usualMs), retryMsMax);
    while (!window.full) {
      const operations = this.#waiting.take(operationsMax, bytesMax);
      if (operations.length === 0) break;
      const pending = pendingOf(operations);
      window.add(pending);
      pending.target = target;
      pending.sentAtMs = nowMs;
      pending.waitMs = waitMs;
      pending.retryAtMs = this.#retryAtMs(nowMs, waitMs);
      messages.push(requestOf(window, pending));
    }
    this.#effects.send(this.#leader ?? this.#options.replicas, messages);
  }

  #open(nowMs: number): void {
    if (this.#opening !== undefined) return;
    const { nonce, ordered, retryMs: waitMs } = this.#options;
    const message = { tag: 'open', nonce: nonce(), ordered } as const;
    const [target] = this.#leader ?? [];
    this.#opening = { message, target, waitMs, retryAtMs: this.#retryAtMs(nowMs, waitMs) };
    this.#effects.send(this.#leader ?? this.#options.replicas, [message]);
  }

  #onOpened(replica: readonly EndPoint[], { nonce, session }: Message<'opened'>, nowMs: number): void {
    // A retried open may have made a second session: nobody uses it, and it expires.
    if (this.#opening?.message.nonce !== nonce) return;
    this.#opening = undefined;
    this.#leader = replica;
    this.#window = new Window(session, this.#options.window);
    this.#advance(nowMs);
  }

  #onReply(replica: readonly EndPoint[], { session, seqno, value }: Message<'reply'>, nowMs: number): void {
    const pending = session === this.#window?.session ? this.#window.get(seqno) : undefined;
    if (pending === undefined) return;
    // Any replica answers a retry from what it keeps, so that the one known to lead is believed until it is silent.
    this.#leader ??= replica;
    this.#usualMs += (nowMs - pending.sentAtMs - this.#usualMs) * smoothing;
    if (value.length === 0) this.#fail(pending, replyTooLarge);
    else this.#onReplies(pending, parted(value));
    this.#advance(nowMs);
  }

  #onRefused({ session, seqno, reason }: Message<'refused'>, nowMs: number): void {
    if (this.#window === undefined || session !== this.#window.session) return;
    if (reason === 'SESSION_EXPIRED') this.#abandon(this.#window);
    else {
      const pending = this.#window.get(seqno);
      if (pending === undefined) return;
      const error = reason === 'SEQNO_REUSED' ? seqnoReused : tooLarge(pending.value.length);
      this.#fail(pending, error);
    }
    this.#advance(nowMs);
  }

  /** Forgets the session; what it has outstanding is unknown. */
  #abandon(window: Window): void {
    const lost = window.all().flatMap(({ open }) => open);
    this.#window = undefined;
    this.#unsettled -= lost.length;
    for (const { id } of lost) this.#effects.settled(id, failed(sessionExpired));
  }

  /**
   * Follows a redirect to a higher view, or away from the replica that was believed to lead. Not to a view that was followed before
   * and whose proposer was silent: so two replicas cannot send a client to and fro.
   */
  #onRedirect(source: EndPoint, view: Ballot): void {
    const proposer = this.#options.replicas[view.proposer];
    const order = this.#view === undefined ? 1 : ballotOrd.compare(view, this.#view);
    if (proposer === undefined || order < 0 || (order === 0 && this.#leader?.[0] !== source)) return;
    this.#view = view;
    this.#leader = this.#single.get(proposer) as readonly EndPoint[];
    const messages: RsmMessage[] = [];
    const opening = this.#opening;
    // What went to all went to this one too.
    if (opening?.target !== undefined && opening.target !== proposer) {
      opening.target = proposer;
      messages.push(opening.message);
    }
    const window = this.#window;
    for (const pending of window?.all() ?? []) {
      if (pending.target === undefined || pending.target === proposer) continue;
      pending.target = proposer;
      messages.push(requestOf(window as Window, pending));
    }
    if (messages.length > 0) this.#effects.send(this.#leader, messages);
  }

  #onReplies(pending: Pending, replies: readonly Uint8Array[]): void {
    const { operations, open } = pending;
    // A replica answers every operation: what answers more or fewer is the reply to another program's request.
    if (replies.length !== operations.length) return;
    this.#remove(pending);
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i] as Operation;
      if (open !== operations && !open.includes(operation)) continue;
      this.#effects.settled(operation.id, { tag: 'reply', value: replies[i] as Uint8Array });
    }
  }

  #remove(pending: Pending): void {
    this.#window?.remove(pending);
    this.#unsettled -= pending.open.length;
  }

  #fail(pending: Pending, error: ClientError): void {
    this.#remove(pending);
    for (const { id } of pending.open) this.#effects.settled(id, failed(error));
  }

  /** Gives up what is outstanding and overdue: the floor passes it, so that it is not executed after what follows it. */
  #takeOverdue(nowMs: number): readonly Operation[] {
    const overdue: Operation[] = [];
    for (const pending of this.#window?.all() ?? []) {
      overdue.push(...takeOverdue(pending, nowMs));
      if (pending.open.length === 0) this.#window?.remove(pending);
    }
    return overdue;
  }

  /** Sends again, in one bundle, what has waited long enough; all of it in an ordered session, where one lost request holds up the rest. */
  #askAgain(nowMs: number): void {
    const window = this.#window;
    const outstanding = window?.all() ?? [];
    const due = outstanding.filter((p) => nowMs >= p.retryAtMs);
    const opening = this.#opening !== undefined && nowMs >= this.#opening.retryAtMs ? this.#opening : undefined;
    if (due.length === 0 && opening === undefined) return;
    this.#spread = this.#drawSpread();
    const again = this.#options.ordered ? outstanding : due;
    const silent = this.#leader?.[0];
    if (opening?.target === silent || due.some((p) => p.target === silent)) this.#leader = undefined;
    const messages: RsmMessage[] = opening === undefined ? [] : [opening.message];
    for (const item of opening === undefined ? again : [opening, ...again]) {
      item.waitMs = Math.min(item.waitMs * backOff, this.#options.retryMsMax);
      item.retryAtMs = this.#retryAtMs(nowMs, item.waitMs);
      item.target = undefined;
    }
    for (const pending of again) messages.push(requestOf(window as Window, pending));
    // To all: a leader that does not answer may be dead, and only replicas that have the request come to suspect it.
    this.#effects.send(this.#options.replicas, messages);
  }

  #nextWakeMs(): number {
    let wakeMs = Math.min(this.#waiting.deadlineMs, this.#opening?.retryAtMs ?? Infinity);
    for (const { deadlineMs, retryAtMs } of this.#window?.all() ?? []) {
      wakeMs = Math.min(wakeMs, retryAtMs, deadlineMs);
    }
    return wakeMs;
  }

  #wakeBy(timeMs: number): void {
    if (timeMs < this.#quietUntilMs) this.#quietUntilMs = timeMs;
  }

  #retryAtMs(nowMs: number, waitMs: number): number {
    const atMs = nowMs + Math.ceil(waitMs * this.#spread);
    this.#wakeBy(atMs);
    return atMs;
  }

  #drawSpread(): number {
    return 0.75 + 0.5 * this.#options.random();
  }
}

const requestOf = (window: Window, { seqno, value }: Pending): Message<'request'> => ({
  tag: 'request',
  session: window.session,
  seqno,
  floor: window.floor,
  value,
});
