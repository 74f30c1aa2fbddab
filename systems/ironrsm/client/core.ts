/**
 * A client as a deterministic state machine: times and packets go in, sends and outcomes come out (README.md, "What clients
 * add"). It opens a session when it needs one. The simulator drives it under virtual time, a port on a socket.
 */
import { closedError, sessionExpired, timedOut } from '../../../src/client/failure.js';
import { RetryClock } from '../../../src/client/retry-clock.js';
import { SessionOpener } from '../../../src/client/session-opener.js';
import { SessionWindow } from '../../../src/client/session-window.js';
import { WaitingQueue } from '../../../src/client/waiting-queue.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { type Ballot, ballotOrd, type Message, parted, type RsmMessage } from '../messages.js';
import type { ClientCoreOptions, ClientEffects, ClientSession } from './options.js';
import { type ClientError, failed, replyTooLarge, seqnoReused, tooLarge } from './outcome.js';
import {
  type Operation,
  type Pending,
  pendingOf,
  requestOf,
  takeOverdue,
  takeTogether,
  type Window,
} from './pending.js';

/** Bytes that share a request: more gain little, and are executed, or lost, together. */
const sharedBytesMax = 65_536;

/** A client and its session. */
export class ClientCore {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #single: ReadonlyMap<EndPoint, readonly EndPoint[]>;
  readonly #clock: RetryClock;
  readonly #opener: SessionOpener<Message<'open'>, EndPoint | undefined>;
  readonly #waiting = new WaitingQueue<Operation>();
  #window: Window | undefined;
  /** The replica that is believed to lead, as a list of targets. */
  #leader: readonly EndPoint[] | undefined;
  /** The highest view that a redirect named. */
  #view: Ballot | undefined;
  /** Bytes that may share a request. Falls where the cluster takes less than was believed. */
  #sharedBytesMax: number;
  #nextId = 1;
  #deferred = false;
  #unsettled = 0;

  constructor(options: ClientCoreOptions, effects: ClientEffects) {
    if (!(options.window >= 1)) throw new RangeError('a window holds at least one request');
    this.#options = options;
    this.#effects = effects;
    this.#single = new Map(options.replicas.map((r) => [r, [r]]));
    this.#sharedBytesMax = Math.min(options.requestBytesMax ?? sharedBytesMax, sharedBytesMax);
    this.#clock = new RetryClock(options);
    this.#opener = new SessionOpener(options, this.#clock);
  }

  /** Whether some operation waits for its outcome. */
  get busy(): boolean {
    return this.#unsettled > 0;
  }

  /** When `onTime` wants to be called; `Infinity` while no request waits for its outcome. */
  get wakeAtMs(): number {
    return this.#unsettled > 0 ? this.#clock.wakeAtMs : Infinity;
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
    this.#clock.wakeBy(deadlineMs);
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
    if (nowMs < this.#clock.wakeAtMs) return;
    const overdue = this.#window === undefined ? [] : takeOverdue(this.#window, nowMs);
    const unsent = this.#waiting.takeExpired(nowMs);
    this.#unsettled -= overdue.length + unsent.length;
    if (this.#unsettled === 0) this.#opener.end();
    else this.#askAgain(nowMs);
    this.#clock.sleepUntil(this.#nextWakeMs());
    for (const { id, timeoutMs } of overdue) this.#effects.settled(id, failed(timedOut(timeoutMs, true)));
    for (const { id, timeoutMs } of unsent) this.#effects.settled(id, failed(timedOut(timeoutMs, false)));
    this.#advance(nowMs);
  }

  /** Ends the session here; what waits for its outcome fails as `Closed`. */
  close(): void {
    const sent = this.#window?.all() ?? [];
    const unsent = this.#waiting.takeExpired(Infinity);
    this.#window = undefined;
    this.#opener.end();
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
    const waitMs = this.#clock.firstWaitMs;
    while (!window.full) {
      const operations = takeTogether(this.#waiting, this.#sharedBytesMax);
      if (operations.length === 0) break;
      const pending = pendingOf(operations);
      window.add(pending);
      pending.target = target;
      pending.sentAtMs = nowMs;
      pending.waitMs = waitMs;
      pending.retryAtMs = this.#clock.after(nowMs, waitMs);
      messages.push(requestOf(window, pending));
    }
    this.#effects.send(this.#leader ?? this.#options.replicas, messages);
  }

  #open(nowMs: number): void {
    const { nonce, ordered, replicas } = this.#options;
    const [target] = this.#leader ?? [];
    const message = this.#opener.begin(nowMs, target, () => ({ tag: 'open', nonce: nonce(), ordered }));
    if (message !== undefined) this.#effects.send(this.#leader ?? replicas, [message]);
  }

  #onOpened(replica: readonly EndPoint[], { nonce, session }: Message<'opened'>, nowMs: number): void {
    // A retried open may have made a second session: nobody uses it, and it expires.
    if (this.#opener.underWay?.message.nonce !== nonce) return;
    this.#opener.end();
    this.#leader = replica;
    this.#window = new SessionWindow({ session, next: 1, openedAtMs: nowMs }, this.#options.window);
    this.#advance(nowMs);
  }

  #onReply(replica: readonly EndPoint[], { session, seqno, value }: Message<'reply'>, nowMs: number): void {
    const pending = session === this.#window?.session ? this.#window.get(seqno) : undefined;
    if (pending === undefined) return;
    // Any replica answers a retry from what it keeps, so that the one known to lead is believed until it is silent.
    this.#leader ??= replica;
    this.#clock.answeredAfter(nowMs - pending.sentAtMs);
    if (value.length === 0) this.#fail(pending, replyTooLarge);
    else this.#onReplies(pending, parted(value));
    this.#advance(nowMs);
  }

  #onRefused({ session, seqno, reason }: Message<'refused'>, nowMs: number): void {
    const window = this.#window;
    if (window === undefined || session !== window.session) return;
    if (reason === 'SESSION_EXPIRED') {
      this.#opener.expired(window.openedAtMs, nowMs);
      this.#abandon(window);
    } else {
      const pending = window.get(seqno);
      if (pending === undefined) return;
      if (reason === 'SEQNO_REUSED') this.#fail(pending, seqnoReused);
      else if (pending.operations.length === 1) this.#fail(pending, tooLarge(pending.value.length));
      else this.#split(window, pending);
    }
    this.#advance(nowMs);
  }

  /**
   * Has the operations of a request that no replica takes asked for in smaller ones. A seqno is used for one request only, so these
   * get new ones; and where there is an order what was sent behind it is sent again behind them: none of it was executed, since it
   * named a floor at or below the refused seqno, and nothing will be once the floor has passed it.
   */
  #split(window: Window, pending: Pending): void {
    this.#sharedBytesMax = Math.min(this.#sharedBytesMax, Math.floor(pending.value.length / 2));
    const back = this.#options.ordered ? window.all().filter(({ seqno }) => seqno >= pending.seqno) : [pending];
    for (const request of back) window.remove(request);
    this.#waiting.putBack(back.flatMap(({ open }) => open));
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
    const opening = this.#opener.underWay;
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

  /** Sends again, in one bundle, what has waited long enough; all of it in an ordered session, where one lost request holds up the rest. */
  #askAgain(nowMs: number): void {
    const window = this.#window;
    const outstanding = window?.all() ?? [];
    const due = outstanding.filter((p) => nowMs >= p.retryAtMs);
    const opening = this.#opener.due(nowMs);
    if (due.length === 0 && opening === undefined) return;
    this.#clock.spreadAnew();
    const again = this.#options.ordered ? outstanding : due;
    const silent = this.#leader?.[0];
    if (opening?.target === silent || due.some((p) => p.target === silent)) this.#leader = undefined;
    const messages: RsmMessage[] = opening === undefined ? [] : [opening.message];
    if (opening !== undefined) {
      this.#opener.again(opening, nowMs);
      opening.target = undefined;
    }
    for (const pending of again) {
      this.#clock.backOff(pending, nowMs);
      pending.target = undefined;
    }
    for (const pending of again) messages.push(requestOf(window as Window, pending));
    // To all: a leader that does not answer may be dead, and only replicas that have the request come to suspect it.
    this.#effects.send(this.#options.replicas, messages);
  }

  #nextWakeMs(): number {
    let wakeMs = Math.min(this.#waiting.deadlineMs, this.#opener.retryAtMs);
    for (const { deadlineMs, retryAtMs } of this.#window?.all() ?? []) {
      wakeMs = Math.min(wakeMs, retryAtMs, deadlineMs);
    }
    return wakeMs;
  }
}
