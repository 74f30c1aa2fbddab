/**
 * A client as a deterministic state machine: times and packets go in, sends and settlements come out (README.md, "What clients
 * add"). It opens a session when it needs one, finds the owner of each key, and asks again until an answer comes. A port on a
 * socket drives it, and the gateway of the Redis protocol.
 */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import { type Command, type Outcome, textOfKey } from '../commands.js';
import type { KvMessage, Message, Session } from '../messages.js';
import type { Opening, OpenSession } from './opening.js';
import * as errors from './outcome.js';
import { RangeCache } from './range-cache.js';
import { fits, isWrite, sameSession, valueBytesOf } from './requests.js';
import { type Pending, Waiting, Window } from './window.js';

/** What a client does to the world. */
export interface ClientEffects {
  /** Sends a message to the host with this index; `false` where it was not taken, which only the reliable host may say. */
  send(host: number, message: KvMessage): boolean;
  /** Called once for each request; new ones may be asked for from there. */
  settled(id: number, settlement: errors.Settlement): void;
  /** From now on answers may come to this session, which is not the one that the client was made with. */
  opened?(session: Session): void;
  /** What comes to this session no longer matters. */
  left?(session: Session): void;
}

/** What a client is made of. */
export interface ClientCoreOptions {
  readonly hosts: readonly EndPoint[];
  /** Whether requests are executed in the order in which they were made. */
  readonly ordered: boolean;
  /** Requests that may be outstanding, at most the cluster's `sessionWindowMax`; more wait for their turn. */
  readonly window: number;
  /** The first wait for an answer, longer where answers take longer lately; further ones are half as long again, up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** The age at which a session in use is changed for a new one, so that it stays among the young. */
  readonly renewMs: number;
  /** From 0 to 1: spreads retries and first hosts. */
  readonly random: () => number;
  /** An unpredictable number of 32 bits. */
  readonly nonce: () => number;
  /** The index of the host, if there is one, to and from which nothing is lost or changes its order. */
  readonly reliableHost?: number;
  /** What is known of who owns what; may be shared. */
  readonly ranges?: RangeCache;
  /** A session to go on with. */
  readonly session?: OpenSession;
}

/** A request that ended without an outcome, and why. */
interface Lost {
  readonly pending: Pending;
  readonly error: errors.ClientError;
}

const backOff = 1.5;
/** Redirects that are followed at once, one after the other. */
const redirectsAtOnce = 4;
/** Every so many silences another host is asked. */
const silencesPerHost = 3;
/** The wait for room in the reliable host's queue. */
const fullWaitMs = 5;
/** The share of the last answer in `#usualMs`. */
const smoothing = 1 / 8;

/** A client and its session. */
export class ClientCore {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #indexOf: ReadonlyMap<EndPoint, number>;
  readonly #ranges: RangeCache;
  readonly #waiting = new Waiting();
  #window: Window | undefined;
  /** A younger session, which takes over once nothing is outstanding in `#window`. */
  #fresh: Window | undefined;
  #opening: Opening | undefined;
  /** Whom to ask where nothing is known. */
  #anyHost: number;
  #nextId = 1;
  #unsettled = 0;
  /** Of an ordered session: those with seqnos below were sent, and the last of them allowed what to follow. */
  #cursor = 0;
  #lane = { host: -1, follows: false };
  /** No deadline and no retry lies before it. Only `onTime` moves it up. */
  #quietUntilMs = Infinity;
  #usualMs = 0;
  /** Requests of one moment share it, so that they are sent again in one bundle. */
  #spread: number;

  constructor(options: ClientCoreOptions, effects: ClientEffects) {
    if (!(options.window >= 1)) throw new RangeError('a window holds at least one request');
    const { hosts, session } = options;
    this.#options = options;
    this.#effects = effects;
    this.#indexOf = new Map(hosts.map((host, i) => [host, i]));
    this.#ranges = options.ranges ?? new RangeCache();
    this.#anyHost = options.reliableHost ?? Math.min(Math.floor(options.random() * hosts.length), hosts.length - 1);
    this.#spread = this.#drawSpread();
    if (session !== undefined) {
      this.#fresh = new Window(session.session, session.next, session.openedAtMs, options.window);
    }
  }

  /** Whether some request waits for its end. */
  get busy(): boolean {
    return this.#unsettled > 0;
  }

  /** When `onTime` wants to be called; `Infinity` while no request waits for its end. */
  get wakeAtMs(): number {
    return this.#unsettled > 0 ? this.#quietUntilMs : Infinity;
  }

  /** Has `command`, whose bytes must not change until then, executed, a write at most once; the request's id. It settles by `timeoutMs` from now, and not during this call. */
  request(nowMs: number, command: Command, timeoutMs: number): number {
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
      seqno: -1,
      target: undefined,
      sentAtMs: undefined,
      retryAtMs: 0,
      waitMs: Math.min(Math.max(this.#options.retryMs, 2 * this.#usualMs), this.#options.retryMsMax),
      silences: 0,
      redirects: 0,
    });
    this.#wakeBy(deadlineMs);
    this.#pump(nowMs);
    return id;
  }

  /** Takes a packet. What is no answer to something outstanding, or comes from a stranger, is ignored. */
  onPacket(source: EndPoint, message: KvMessage, nowMs: number): void {
    const host = this.#indexOf.get(source);
    if (host === undefined) return;
    if (message.tag === 'opened') this.#onOpened(message, nowMs);
    else if (message.tag === 'reply' || message.tag === 'refused' || message.tag === 'redirect') {
      const window = this.#window;
      if (window === undefined || !sameSession(window.session, message.session)) return;
      const pending = window.get(message.seqno);
      if (pending === undefined) return;
      if (message.tag === 'reply') this.#onReply(window, pending, message.outcome, nowMs);
      else if (message.tag === 'refused') this.#onRefused(window, pending, message.reason, nowMs);
      else if (pending.target === host) this.#onRedirect(host, pending, message, nowMs);
    }
  }

  /** Gives up what was not answered in time, and asks again where the wait for an answer is over. */
  onTime(nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    const unsent = this.#waiting.takeExpired(nowMs);
    this.#unsettled -= unsent.length;
    const overdue = this.#takeOverdue(nowMs);
    if (this.#unsettled === 0) this.#opening = undefined;
    else this.#askAgain(nowMs);
    this.#quietUntilMs = this.#nextWakeMs(nowMs);
    for (const { pending, error } of overdue) this.#effects.settled(pending.id, errors.failed(error));
    for (const { id, timeoutMs } of unsent) this.#effects.settled(id, errors.failed(errors.timedOut(timeoutMs, false)));
    this.#pump(nowMs);
  }

  /** Ends the client; what waits for its end fails as `Closed`. The session, where nothing was outstanding in it and another client may go on with it. */
  close(): OpenSession | undefined {
    const window = this.#window ?? this.#fresh;
    const sent = this.#window?.all() ?? [];
    const unsent = this.#waiting.takeExpired(Infinity);
    this.#leave(this.#window);
    this.#leave(this.#fresh);
    this.#window = undefined;
    this.#fresh = undefined;
    this.#opening = undefined;
    this.#unsettled = 0;
    for (const p of sent) {
      this.#effects.settled(p.id, errors.failed(errors.closedError(p.sentAtMs !== undefined)));
    }
    for (const { id } of unsent) this.#effects.settled(id, errors.failed(errors.closedError(false)));
    if (window === undefined || window.size > 0 || sent.length > 0) return undefined;
    return { session: window.session, next: window.next, openedAtMs: window.openedAtMs };
  }

  /** Sends what there is room for. */
  #pump(nowMs: number): void {
    if (this.#waiting.empty && (this.#window === undefined || !this.#options.ordered)) return;
    const window = this.#windowFor(nowMs);
    if (window === undefined) return;
    const { ordered } = this.#options;
    while (!window.full) {
      const pending = this.#waiting.shift();
      if (pending === undefined) break;
      window.add(pending);
      if (!ordered) this.#send(window, pending, this.#targetOf(pending), nowMs);
    }
    if (ordered) this.#sendInOrder(window, nowMs);
  }

  /** The window for further requests; `undefined` where a session must be opened first, or take over first. */
  #windowFor(nowMs: number): Window | undefined {
    const window = this.#window;
    if (window !== undefined && nowMs - window.openedAtMs < this.#options.renewMs) return window;
    if (window !== undefined && window.size > 0) {
      // What is outstanding ends under the old session, so that order and exactly-once are kept.
      if (this.#fresh === undefined) this.#open(nowMs);
      else if (this.#options.ordered) this.#sendInOrder(window, nowMs);
      return this.#fresh === undefined ? window : undefined;
    }
    const fresh = this.#fresh;
    if (fresh === undefined || nowMs - fresh.openedAtMs >= this.#options.renewMs) {
      if (!this.#waiting.empty) this.#open(nowMs);
      return undefined;
    }
    this.#leave(window);
    this.#window = fresh;
    this.#fresh = undefined;
    this.#cursor = fresh.floor;
    return fresh;
  }

  #leave(window: Window | undefined): void {
    if (window !== undefined) this.#effects.left?.(window.session);
  }

  #open(nowMs: number): void {
    if (this.#opening !== undefined) return;
    const message = { tag: 'open', nonce: this.#options.nonce() } as const;
    const waitMs = this.#options.retryMs;
    this.#opening = { message, waitMs, retryAtMs: this.#retryAtMs(nowMs, waitMs), tries: 0 };
    this.#effects.send(this.#anyHost, message);
  }

  #onOpened({ session }: Message<'opened'>, nowMs: number): void {
    if (this.#opening?.message.nonce !== session.nonce) return;
    this.#opening = undefined;
    this.#leave(this.#fresh);
    this.#fresh = new Window(session, 0, nowMs, this.#options.window);
    this.#effects.opened?.(session);
    this.#pump(nowMs);
  }

  #onReply(window: Window, pending: Pending, outcome: Outcome, nowMs: number): void {
    if (!fits(pending.command, outcome)) return;
    this.#usualMs += (nowMs - (pending.sentAtMs ?? nowMs) - this.#usualMs) * smoothing;
    this.#settle(window, pending, { tag: 'outcome', outcome }, nowMs);
  }

  #settle(window: Window, pending: Pending, settlement: errors.Settlement, nowMs: number): void {
    window.remove(pending);
    this.#unsettled--;
    this.#effects.settled(pending.id, settlement);
    this.#pump(nowMs);
  }

  #onRefused(window: Window, pending: Pending, reason: Message<'refused'>['reason'], nowMs: number): void {
    switch (reason) {
      case 'SESSION_EXPIRED':
        this.#finish(this.#abandon(window, nowMs, errors.sessionExpired), nowMs);
        return;
      case 'OUT_OF_ORDER':
        if (pending.target === undefined) return;
        // The first time what came before was probably on its way.
        this.#hold(pending, pending.silences === 0 ? 0 : this.#backedOffMs(pending, nowMs));
        pending.silences++;
        this.#pump(nowMs);
        return;
      case 'KEY_TOO_LONG':
        this.#settle(window, pending, errors.failed(errors.keyTooLong(pending.command.key.length)), nowMs);
        return;
      case 'VALUE_TOO_LARGE':
        this.#settle(window, pending, errors.failed(errors.valueTooLarge(valueBytesOf(pending.command))), nowMs);
        return;
      case 'OUT_OF_WINDOW':
        this.#settle(window, pending, errors.failed(errors.outOfWindow), nowMs);
    }
  }

  #onRedirect(source: number, pending: Pending, { lo, hi, host }: Message<'redirect'>, nowMs: number): void {
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
    else if (atOnce) this.#send(this.#window as Window, pending, host, nowMs);
  }

  /** Takes a request back, to be sent again not before `fromMs`. */
  #hold(pending: Pending, fromMs: number): void {
    pending.target = undefined;
    pending.retryAtMs = fromMs;
    if (fromMs > 0) this.#wakeBy(fromMs);
    this.#cursor = Math.min(this.#cursor, pending.seqno);
  }

  /** Gives the session up: what was sent of it ends with `error`, the rest goes on in the next one. */
  #abandon(window: Window, nowMs: number, error: errors.ClientError): readonly Lost[] {
    const again: Pending[] = [];
    const lost: Lost[] = [];
    for (const pending of window.all()) {
      const harmless = pending.sentAtMs === undefined || (!this.#options.ordered && !isWrite(pending.command));
      if (nowMs >= pending.deadlineMs) {
        lost.push({ pending, error: errors.timedOut(pending.timeoutMs, pending.sentAtMs !== undefined) });
      } else if (harmless) again.push({ ...pending, seqno: -1, target: undefined, retryAtMs: 0 });
      else lost.push({ pending, error });
    }
    this.#leave(window);
    this.#window = undefined;
    this.#unsettled -= lost.length;
    this.#waiting.putBack(again);
    return lost;
  }

  #finish(lost: readonly Lost[], nowMs: number): void {
    for (const { pending, error } of lost) this.#effects.settled(pending.id, errors.failed(error));
    this.#pump(nowMs);
  }

  /** Gives up what is outstanding and overdue; in an ordered session all with it, so that nothing is executed before what it came after. */
  #takeOverdue(nowMs: number): readonly Lost[] {
    const window = this.#window;
    const overdue = window?.all().filter((p) => nowMs >= p.deadlineMs) ?? [];
    if (window === undefined || overdue.length === 0) return [];
    if (this.#options.ordered) return this.#abandon(window, nowMs, errors.orderLost);
    for (const pending of overdue) window.remove(pending);
    this.#unsettled -= overdue.length;
    return overdue.map((pending) => ({
      pending,
      error: errors.timedOut(pending.timeoutMs, pending.sentAtMs !== undefined),
    }));
  }

  /** Sends again, in one bundle, what has waited long enough; all of it in an ordered session, where one lost request holds up the rest. */
  #askAgain(nowMs: number): void {
    const { ordered, reliableHost } = this.#options;
    const window = this.#window;
    const outstanding = window?.all() ?? [];
    const due = outstanding.filter((p) => nowMs >= p.retryAtMs && (p.target !== undefined || !ordered));
    const opening = this.#opening !== undefined && nowMs >= this.#opening.retryAtMs ? this.#opening : undefined;
    if (due.length === 0 && opening === undefined) return;
    this.#spread = this.#drawSpread();
    if (opening !== undefined) this.#openAgain(opening, nowMs);
    for (const pending of due) {
      if (pending.target === undefined) continue;
      pending.silences++;
      pending.redirects = 0;
      this.#backedOffMs(pending, nowMs);
    }
    if (ordered) {
      const silent = due.length > 0 ? outstanding : [];
      for (const p of silent) if (p.target !== undefined && p.target !== reliableHost) this.#hold(p, 0);
    } else if (window !== undefined) {
      for (const pending of due) this.#send(window, pending, this.#targetOf(pending), nowMs);
    }
  }

  #openAgain(opening: Opening, nowMs: number): void {
    const { hosts, reliableHost, retryMsMax } = this.#options;
    opening.tries++;
    const turn = opening.tries % silencesPerHost === 0 && reliableHost === undefined;
    if (turn) this.#anyHost = (this.#anyHost + 1) % hosts.length;
    opening.waitMs = Math.min(opening.waitMs * backOff, retryMsMax);
    opening.retryAtMs = this.#retryAtMs(nowMs, opening.waitMs);
    this.#effects.send(this.#anyHost, opening.message);
  }

  /**
   * Sends the requests of an ordered session that are next. One follows others only to the same host, so that they arrive
   * there one behind the other; and no read of which the reply could be lost, since what was executed behind it makes it
   * impossible to ask again.
   */
  #sendInOrder(window: Window, nowMs: number): void {
    this.#cursor = Math.max(this.#cursor, window.floor);
    for (; this.#cursor < window.next; this.#cursor++) {
      const pending = window.get(this.#cursor);
      if (pending === undefined) continue;
      const first = pending.seqno === window.floor;
      const host = pending.target ?? this.#targetOf(pending);
      const follows = this.#lane.follows && this.#lane.host === host;
      if (!first && !follows) return;
      if (pending.target === undefined) {
        if (nowMs < pending.retryAtMs || !this.#send(window, pending, host, nowMs)) return;
      }
      const repeatable = host === this.#options.reliableHost || isWrite(pending.command);
      this.#lane = { host, follows: repeatable && (first || follows) };
    }
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
    pending.sentAtMs ??= nowMs;
    pending.retryAtMs = host === reliableHost ? Infinity : this.#retryAtMs(nowMs, pending.waitMs);
    return true;
  }

  /** Whom to ask: the believed owner of the key, and every third time without an answer another host. */
  #targetOf({ key, silences }: Pending): number {
    const believed = this.#ranges.hostOf(key) ?? this.#anyHost;
    if (silences === 0 || silences % silencesPerHost !== 0) return believed;
    return (believed + silences / silencesPerHost) % this.#options.hosts.length;
  }

  #nextWakeMs(nowMs: number): number {
    let wakeMs = Math.min(this.#waiting.deadlineMs, this.#opening?.retryAtMs ?? Infinity);
    for (const { deadlineMs, retryAtMs, target } of this.#window?.all() ?? []) {
      wakeMs = Math.min(wakeMs, deadlineMs);
      // What may be sent and was not waits for others, not for the time.
      if (target !== undefined || retryAtMs > nowMs) wakeMs = Math.min(wakeMs, retryAtMs);
    }
    return wakeMs;
  }

  #wakeBy(timeMs: number): void {
    if (timeMs < this.#quietUntilMs) this.#quietUntilMs = timeMs;
  }

  /** Lengthens the wait of a request; when it ends. */
  #backedOffMs(pending: Pending, nowMs: number): number {
    pending.waitMs = Math.min(pending.waitMs * backOff, this.#options.retryMsMax);
    return this.#retryAtMs(nowMs, pending.waitMs);
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
