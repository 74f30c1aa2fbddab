/**
 * A client as a deterministic state machine: times and packets go in, sends and settlements come out (README.md, "What clients
 * add"). It opens a session when it needs one, finds the owner of each key, and asks again until an answer comes. A port on a
 * socket drives it, and the gateway of the Redis protocol.
 */
import { closedError, sessionExpired, timedOut } from '../../../src/client/failure.js';
import { RetryClock } from '../../../src/client/retry-clock.js';
import { WaitingQueue } from '../../../src/client/waiting-queue.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { type Command, type Outcome, textOfKey } from '../commands.js';
import type { KvMessage, Message } from '../messages.js';
import { Lane } from './lane.js';
import type { OpenSession } from './opening.js';
import type { ClientCoreOptions, ClientEffects } from './options.js';
import {
  type ClientError,
  failed,
  keyTooLong,
  orderLost,
  outOfWindow,
  type Settlement,
  sessionGone,
  valueTooLarge,
} from './outcome.js';
import { isAstray, type Lost, overdue, type Pending, partsOf, silencesPerHost, type Window } from './pending.js';
import { RangeCache } from './range-cache.js';
import { Repeats } from './repeats.js';
import { fits, fitsMessages, problemOf, valueBytesOf } from './requests.js';
import { Retries } from './retries.js';
import { Sessions } from './sessions.js';

/** Redirects that are followed at once, one after the other. */
const redirectsAtOnce = 4;
/** The wait for room in the reliable host's queue. */
const fullWaitMs = 5;

/** A client and its session. */
export class ClientCore {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #indexOf: ReadonlyMap<EndPoint, number>;
  readonly #ranges: RangeCache;
  readonly #clock: RetryClock;
  readonly #sessions: Sessions;
  readonly #lane: Lane;
  readonly #repeats: Repeats;
  readonly #retries: Retries;
  readonly #waiting = new WaitingQueue<Pending>();
  #nextId = 1;
  #unsettled = 0;

  constructor(options: ClientCoreOptions, effects: ClientEffects) {
    if (!(options.window >= 1)) throw new RangeError('a window holds at least one request');
    const { hosts, random, reliableHost } = options;
    this.#options = options;
    this.#effects = effects;
    this.#indexOf = new Map(hosts.map((host, i) => [host, i]));
    this.#ranges = options.ranges ?? new RangeCache();
    this.#repeats = options.repeats ?? new Repeats();
    const anyHost = reliableHost ?? Math.min(Math.floor(random() * hosts.length), hosts.length - 1);
    this.#clock = new RetryClock(options);
    this.#sessions = new Sessions(options, this.#clock, anyHost, effects);
    this.#lane = new Lane({
      targetOf: (pending) => this.#targetOf(pending),
      send: (window, pending, host, nowMs) => this.#send(window, pending, host, nowMs),
    });
    this.#retries = new Retries(options, this.#clock, this.#sessions, this.#repeats, {
      targetOf: (pending) => this.#targetOf(pending),
      send: (window, pending, host, nowMs) => this.#send(window, pending, host, nowMs),
      hold: (pending) => this.#hold(pending, 0),
      pump: (nowMs) => this.#pump(nowMs),
    });
  }

  /** Whether some request waits for its end. */
  get busy(): boolean {
    return this.#unsettled > 0;
  }

  /** When `onTime` wants to be called; `Infinity` while no request waits for its end. */
  get wakeAtMs(): number {
    return this.#unsettled > 0 ? this.#clock.wakeAtMs : Infinity;
  }

  /** Has `command`, whose bytes must not change until then, executed, a write at most once; the request's id. It settles by `timeoutMs` from now, and not during this call. Throws, and keeps nothing of it, where that cannot be sent at all. */
  request(nowMs: number, command: Command, timeoutMs: number): number {
    const problem = problemOf(command);
    if (problem !== undefined) throw new RangeError(problem);
    if (!fitsMessages(command)) throw new RangeError('no message has room for the key or the value');
    const id = this.#nextId;
    this.#nextId = successor(id);
    this.#unsettled++;
    const deadlineMs = nowMs + timeoutMs;
    this.#waiting.push({
      id,
      command,
      key: textOfKey(command.key),
      timeoutMs,
      deadlineMs,
      window: undefined,
      seqno: -1,
      target: undefined,
      sentAtMs: undefined,
      maybeUnheard: false,
      retryAtMs: 0,
      waitMs: this.#clock.firstWaitMs,
      silences: 0,
      redirects: 0,
    });
    this.#clock.wakeBy(deadlineMs);
    this.#pump(nowMs);
    return id;
  }

  /** Takes a packet. What is no answer to something outstanding, or comes from a stranger, is ignored. */
  onPacket(source: EndPoint, message: KvMessage, nowMs: number): void {
    const host = this.#indexOf.get(source);
    if (host === undefined) return;
    if (message.tag === 'opened') {
      if (this.#sessions.onOpened(message.session, nowMs)) this.#pump(nowMs);
    } else if (message.tag === 'reply' || message.tag === 'refused' || message.tag === 'redirect') {
      const window = this.#sessions.windowOf(message.session);
      const pending = window?.get(message.seqno);
      if (window === undefined || pending === undefined) return;
      if (message.tag === 'reply') this.#onReply(window, host, pending, message.outcome, nowMs);
      else if (message.tag === 'refused') this.#onRefused(window, pending, message.reason, nowMs);
      else if (pending.target === host) this.#onRedirect(window, host, pending, message, nowMs);
    }
  }

  /** Gives up what was not answered in time, and asks again where the wait for an answer is over. */
  onTime(nowMs: number): void {
    if (nowMs < this.#clock.wakeAtMs) return;
    const unsent = this.#waiting.takeExpired(nowMs);
    this.#unsettled -= unsent.length;
    const lost = this.#takeOverdue(nowMs);
    if (this.#unsettled === 0) this.#sessions.endQuestion();
    else this.#retries.askAgain(nowMs);
    this.#clock.sleepUntil(Math.min(this.#waiting.deadlineMs, this.#retries.wakeAtMs(nowMs)));
    for (const { pending, error } of lost) this.#effects.settled(pending.id, failed(error));
    for (const { id, timeoutMs } of unsent) this.#effects.settled(id, failed(timedOut(timeoutMs, false)));
    this.#pump(nowMs);
  }

  /** Ends the client; what waits for its end fails as `Closed`. The session, where nothing was outstanding in it and another client may go on with it. */
  close(): OpenSession | undefined {
    const sent = this.#sessions.outstanding();
    const unsent = this.#waiting.takeExpired(Infinity);
    const session = this.#sessions.close();
    this.#unsettled = 0;
    for (const pending of sent) this.#repeats.forget(pending);
    for (const { id, sentAtMs } of sent) this.#effects.settled(id, failed(closedError(sentAtMs !== undefined)));
    for (const { id } of unsent) this.#effects.settled(id, failed(closedError(false)));
    return session;
  }

  /** Sends what there is room for. */
  #pump(nowMs: number): void {
    const { ordered } = this.#options;
    const { current } = this.#sessions;
    if (this.#waiting.empty && (current === undefined || !ordered)) return;
    const window = this.#sessions.windowFor(nowMs, !this.#waiting.empty);
    if (window === undefined) {
      // What is outstanding ends under the old session.
      if (ordered && current !== undefined) this.#lane.advance(current, nowMs);
      return;
    }
    while (!window.full) {
      const pending = this.#waiting.shift();
      if (pending === undefined) break;
      window.add(pending);
      pending.window = window;
      if (!ordered) this.#send(window, pending, this.#targetOf(pending), nowMs);
    }
    if (ordered) this.#lane.advance(window, nowMs);
  }

  #onReply(window: Window, host: number, pending: Pending, outcome: Outcome, nowMs: number): void {
    if (!fits(pending.command, outcome)) return;
    this.#clock.answeredAfter(nowMs - (pending.sentAtMs ?? nowMs));
    this.#settle(window, pending, { tag: 'outcome', outcome }, nowMs);
    if (host !== this.#options.reliableHost) this.#repeats.answered(host, outcome, nowMs, this.#clock.firstWaitMs);
  }

  /** Takes a request, whose end it is, out of its window. */
  #remove(window: Window, pending: Pending): void {
    window.remove(pending);
    this.#repeats.forget(pending);
    this.#sessions.settledIn(window);
    this.#unsettled--;
  }

  #settle(window: Window, pending: Pending, settlement: Settlement, nowMs: number): void {
    this.#remove(window, pending);
    this.#effects.settled(pending.id, settlement);
    this.#pump(nowMs);
  }

  #onRefused(window: Window, pending: Pending, reason: Message<'refused'>['reason'], nowMs: number): void {
    switch (reason) {
      case 'SESSION_EXPIRED':
        this.#sessions.expired(window, nowMs);
        this.#finish(
          this.#abandon(window, nowMs, (lost) => (lost === pending ? sessionExpired : sessionGone)),
          nowMs,
        );
        return;
      case 'OUT_OF_ORDER':
        if (pending.target === undefined) return;
        // The first time what came before was probably on its way.
        this.#hold(pending, pending.silences === 0 ? 0 : this.#backedOffMs(pending, nowMs));
        pending.silences++;
        this.#pump(nowMs);
        return;
      case 'KEY_TOO_LONG':
        this.#settle(window, pending, failed(keyTooLong(pending.command.key.length)), nowMs);
        return;
      case 'VALUE_TOO_LARGE':
        this.#settle(window, pending, failed(valueTooLarge(valueBytesOf(pending.command))), nowMs);
        return;
      case 'OUT_OF_WINDOW':
        this.#settle(window, pending, failed(outOfWindow), nowMs);
    }
  }

  #onRedirect(window: Window, source: number, pending: Pending, message: Message<'redirect'>, nowMs: number): void {
    const { lo, hi, host } = message;
    const [from, to] = [textOfKey(lo), hi === null ? null : textOfKey(hi)];
    if (host === source || host >= this.#options.hosts.length) return;
    if (pending.key < from || (to !== null && pending.key >= to)) return;
    this.#ranges.learn(from, to, host);
    pending.redirects++;
    pending.silences = 0;
    const atOnce = pending.redirects <= redirectsAtOnce;
    // Beyond that the range is probably on its way between two hosts.
    this.#hold(pending, atOnce ? 0 : this.#backedOffMs(pending, nowMs));
    if (this.#options.ordered) this.#pump(nowMs);
    else if (atOnce) this.#send(window, pending, host, nowMs);
  }

  /** Takes a request back, to be sent again not before `fromMs`. */
  #hold(pending: Pending, fromMs: number): void {
    pending.target = undefined;
    this.#repeats.forget(pending);
    pending.retryAtMs = fromMs;
    if (fromMs > 0) this.#clock.wakeBy(fromMs);
    this.#lane.backTo(pending.seqno);
  }

  /** Gives the session up: what was sent of it ends with what `errorOf` gives, the rest goes on in the next one. */
  #abandon(window: Window, nowMs: number, errorOf: (pending: Pending) => ClientError): readonly Lost[] {
    for (const pending of window.all()) this.#repeats.forget(pending);
    const { lost, again } = partsOf(window, this.#options.ordered, nowMs, errorOf);
    this.#sessions.leave(window);
    this.#unsettled -= lost.length;
    this.#waiting.putBack(again);
    return lost;
  }

  #finish(lost: readonly Lost[], nowMs: number): void {
    for (const { pending, error } of lost) this.#effects.settled(pending.id, failed(error));
    this.#pump(nowMs);
  }

  /** Gives up what is outstanding and overdue; in an ordered session all with it, so that nothing is executed before what it came after. */
  #takeOverdue(nowMs: number): readonly Lost[] {
    const due = this.#sessions.outstanding().filter((p) => nowMs >= p.deadlineMs);
    const { current } = this.#sessions;
    if (due.length === 0) return [];
    if (this.#options.ordered && current !== undefined) return this.#abandon(current, nowMs, () => orderLost);
    for (const pending of due) this.#remove(pending.window as Window, pending);
    return due.map(overdue);
  }

  #send(window: Window, pending: Pending, host: number, nowMs: number): boolean {
    const { ordered, reliableHost } = this.#options;
    const { session, floor } = window;
    const { seqno, command } = pending;
    if (!this.#effects.send(host, { tag: 'request', session, seqno, floor, ordered, command })) {
      this.#hold(pending, nowMs + fullWaitMs);
      return false;
    }
    pending.target = host;
    this.#repeats.forget(pending);
    pending.sentAtMs ??= nowMs;
    if (host !== reliableHost) pending.maybeUnheard = true;
    pending.retryAtMs = host === reliableHost ? Infinity : this.#clock.after(nowMs, pending.waitMs);
    return true;
  }

  /** Whom to ask: the believed owner of the key, or in its turn another host. */
  #targetOf(pending: Pending): number {
    const believed = this.#ranges.hostOf(pending.key) ?? this.#sessions.anyHost;
    if (!isAstray(pending)) return believed;
    return (believed + pending.silences / silencesPerHost) % this.#options.hosts.length;
  }

  /** Lengthens the wait of a request; when it ends. */
  #backedOffMs(pending: Pending, nowMs: number): number {
    this.#clock.backOff(pending, nowMs);
    return pending.retryAtMs;
  }
}
