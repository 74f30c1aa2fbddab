/**
 * A client of sessions in a page and a half, over what `src/client` supplies: a service that counts, each increment executed at
 * most once. It opens a session, keeps several requests outstanding, asks again, and gives up at their deadlines.
 */
import { closedError, type SessionFailure, sessionExpired, timedOut } from '../src/client/failure.js';
import { type Retry, RetryClock, type RetryOptions } from '../src/client/retry-clock.js';
import { SessionOpener } from '../src/client/session-opener.js';
import { SessionWindow } from '../src/client/session-window.js';
import { WaitingQueue } from '../src/client/waiting-queue.js';
import type { EndPoint } from '../src/spec/endpoint.js';

/** Clients send `open` and `increment`; the server answers. `floor`: every seqno below is settled, and its reply can be forgotten. */
export type CountMessage =
  | { readonly tag: 'open'; readonly nonce: number }
  | { readonly tag: 'opened'; readonly nonce: number; readonly session: number }
  | {
      readonly tag: 'increment';
      readonly session: number;
      readonly seqno: number;
      readonly floor: number;
      readonly by: number;
    }
  | { readonly tag: 'count'; readonly session: number; readonly seqno: number; readonly count: number }
  | { readonly tag: 'expired'; readonly session: number };

/** How an increment ends. */
export type CountOutcome =
  | { readonly tag: 'count'; readonly count: number }
  | { readonly tag: 'failed'; readonly error: SessionFailure };

/** What a client is made of. `window`: how many seqnos from its floor on the server accepts of a session. */
export interface CountClientOptions extends RetryOptions {
  readonly server: EndPoint;
  readonly window: number;
  readonly nonce: () => number;
}

/** What a client does to the world. */
export interface CountClientEffects {
  send(message: CountMessage): void;
  settled(id: number, outcome: CountOutcome): void;
}

interface Pending extends Retry {
  readonly id: number;
  readonly by: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  seqno: number;
  sentAtMs: number;
}

/** A client and its session; a `ClientMachine`, so that a `SessionPort` and the simulator can drive it. */
export class CountClient {
  readonly #options: CountClientOptions;
  readonly #effects: CountClientEffects;
  readonly #clock: RetryClock;
  readonly #opener: SessionOpener<CountMessage & { tag: 'open' }, undefined>;
  readonly #waiting = new WaitingQueue<Pending>();
  #window: SessionWindow<number, Pending> | undefined;
  #nextId = 1;
  #unsettled = 0;

  constructor(options: CountClientOptions, effects: CountClientEffects) {
    this.#options = options;
    this.#effects = effects;
    this.#clock = new RetryClock(options);
    this.#opener = new SessionOpener(options, this.#clock);
  }

  get busy(): boolean {
    return this.#unsettled > 0;
  }

  get wakeAtMs(): number {
    return this.busy ? this.#clock.wakeAtMs : Infinity;
  }

  /** Asks for an increment; its id. */
  request(nowMs: number, by: number, timeoutMs: number): number {
    const id = this.#nextId++;
    const deadlineMs = nowMs + timeoutMs;
    this.#unsettled++;
    this.#waiting.push({ id, by, timeoutMs, deadlineMs, seqno: 0, sentAtMs: 0, retryAtMs: 0, waitMs: 0 });
    this.#clock.wakeBy(deadlineMs);
    this.#advance(nowMs);
    return id;
  }

  onPacket(source: EndPoint, message: CountMessage, nowMs: number): void {
    if (source !== this.#options.server) return;
    const window = this.#window;
    if (message.tag === 'opened' && message.nonce === this.#opener.underWay?.message.nonce) {
      this.#opener.end();
      this.#window = new SessionWindow({ session: message.session, next: 0, openedAtMs: nowMs }, this.#options.window);
    } else if (message.tag === 'count' && message.session === window?.session) {
      const pending = window.get(message.seqno);
      if (pending === undefined) return;
      window.remove(pending);
      this.#clock.answeredAfter(nowMs - pending.sentAtMs);
      this.#settle(pending, { tag: 'count', count: message.count });
    } else if (message.tag === 'expired' && message.session === window?.session) {
      this.#opener.expired(window.openedAtMs, nowMs);
      this.#window = undefined;
      for (const pending of window.all()) this.#settle(pending, { tag: 'failed', error: sessionExpired });
    }
    this.#advance(nowMs);
  }

  onTime(nowMs: number): void {
    if (nowMs < this.#clock.wakeAtMs) return;
    const window = this.#window;
    const unsent = this.#waiting.takeExpired(nowMs);
    const overdue = window?.all().filter(({ deadlineMs }) => nowMs >= deadlineMs) ?? [];
    for (const pending of overdue) window?.remove(pending);
    this.#clock.spreadAnew();
    const opening = this.#opener.due(nowMs);
    if (opening !== undefined) {
      this.#opener.again(opening, nowMs);
      this.#effects.send(opening.message);
    }
    for (const pending of window?.all() ?? []) {
      if (nowMs < pending.retryAtMs) continue;
      this.#clock.backOff(pending, nowMs);
      this.#send(pending);
    }
    // All there is was looked at, so that the clock may be moved up.
    const outstanding = window?.all() ?? [];
    const times = outstanding.flatMap(({ deadlineMs, retryAtMs }) => [deadlineMs, retryAtMs]);
    this.#clock.sleepUntil(Math.min(this.#waiting.deadlineMs, this.#opener.retryAtMs, ...times));
    for (const p of overdue) this.#settle(p, { tag: 'failed', error: timedOut(p.timeoutMs, true) });
    for (const p of unsent) this.#settle(p, { tag: 'failed', error: timedOut(p.timeoutMs, false) });
    if (!this.busy) this.#opener.end();
    this.#advance(nowMs);
  }

  close(): void {
    const [sent, unsent] = [this.#window?.all() ?? [], this.#waiting.takeExpired(Infinity)];
    this.#window = undefined;
    this.#opener.end();
    for (const pending of sent) this.#settle(pending, { tag: 'failed', error: closedError(true) });
    for (const pending of unsent) this.#settle(pending, { tag: 'failed', error: closedError(false) });
  }

  /** Sends what the window has room for; asks for a session where there is none. */
  #advance(nowMs: number): void {
    if (this.#waiting.empty) return;
    const window = this.#window;
    if (window === undefined) {
      const open = this.#opener.begin(nowMs, undefined, () => ({ tag: 'open', nonce: this.#options.nonce() }));
      if (open !== undefined) this.#effects.send(open);
      return;
    }
    while (!window.full) {
      const pending = this.#waiting.shift();
      if (pending === undefined) return;
      window.add(pending);
      pending.sentAtMs = nowMs;
      pending.waitMs = this.#clock.firstWaitMs;
      pending.retryAtMs = this.#clock.after(nowMs, pending.waitMs);
      this.#send(pending);
    }
  }

  #send({ seqno, by }: Pending): void {
    const window = this.#window as SessionWindow<number, Pending>;
    this.#effects.send({ tag: 'increment', session: window.session, seqno, floor: window.floor, by });
  }

  #settle({ id }: Pending, outcome: CountOutcome): void {
    this.#unsettled--;
    this.#effects.settled(id, outcome);
  }
}
