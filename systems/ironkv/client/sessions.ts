/** The sessions of one client of IronKV: the one in use, the younger one that takes over from it, and the question for the next. */
import type { RetryClock } from '../../../src/client/retry-clock.js';
import { SessionOpener } from '../../../src/client/session-opener.js';
import { SessionWindow } from '../../../src/client/session-window.js';
import type { Message, Session } from '../messages.js';
import type { OpenSession } from './opening.js';
import type { ClientCoreOptions, ClientEffects } from './options.js';
import type { Window } from './pending.js';

/** Every so many silences another host is asked. */
export const silencesPerHost = 3;

/** A session is changed for a younger one where nothing is outstanding in it, so that order and exactly-once are kept. */
export class Sessions {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #opener: SessionOpener<Message<'open'>, number>;
  #current: Window | undefined;
  /** Takes over once nothing is outstanding in `#current`. */
  #fresh: Window | undefined;
  #anyHost: number;

  /** `anyHost`: the index of the host that is asked first. */
  constructor(options: ClientCoreOptions, clock: RetryClock, anyHost: number, effects: ClientEffects) {
    this.#options = options;
    this.#effects = effects;
    this.#opener = new SessionOpener(options, clock);
    this.#anyHost = anyHost;
    if (options.session !== undefined) this.#fresh = new SessionWindow(options.session, options.window);
  }

  /** The one in use. */
  get current(): Window | undefined {
    return this.#current;
  }

  /** The index of a host to ask where nothing is known. */
  get anyHost(): number {
    return this.#anyHost;
  }

  /** When the question for a session is asked again. */
  get retryAtMs(): number {
    return this.#opener.retryAtMs;
  }

  /** The window for further requests; `undefined` where a session must be opened first, which is done if it is `wanted`, or must take over first. */
  windowFor(nowMs: number, wanted: boolean): Window | undefined {
    const current = this.#current;
    if (current !== undefined && !this.#aged(current, nowMs)) return current;
    if (current !== undefined && current.size > 0) {
      if (this.#fresh !== undefined) return undefined;
      this.#open(nowMs);
      return current;
    }
    const fresh = this.#fresh;
    if (fresh === undefined || this.#aged(fresh, nowMs)) {
      if (wanted) this.#open(nowMs);
      return undefined;
    }
    this.leave();
    this.#current = fresh;
    this.#fresh = undefined;
    return fresh;
  }

  /** Whether `session` is the one that was asked for. */
  onOpened(session: Session, nowMs: number): boolean {
    if (this.#opener.underWay?.message.nonce !== session.nonce) return false;
    this.#opener.end();
    this.#leave(this.#fresh);
    this.#fresh = new SessionWindow({ session, next: 0, openedAtMs: nowMs }, this.#options.window);
    this.#effects.opened?.(session);
    return true;
  }

  /** Whether it is time to ask for a session again. */
  isDue(nowMs: number): boolean {
    return this.#opener.due(nowMs) !== undefined;
  }

  /** Asks for a session again, every so many tries another host. */
  askAgain(nowMs: number): void {
    const opening = this.#opener.due(nowMs);
    if (opening === undefined) return;
    const { hosts, reliableHost } = this.#options;
    this.#opener.again(opening, nowMs);
    const turn = opening.tries % silencesPerHost === 0 && reliableHost === undefined;
    if (turn) this.#anyHost = (this.#anyHost + 1) % hosts.length;
    this.#effects.send(this.#anyHost, opening.message);
  }

  /** Nobody needs the answer to the question under way. */
  endQuestion(): void {
    this.#opener.end();
  }

  /** Gives the one in use up. */
  leave(): void {
    this.#leave(this.#current);
    this.#current = undefined;
  }

  /** The one in use has expired. */
  expired(nowMs: number): void {
    if (this.#current !== undefined) this.#opener.expired(this.#current.openedAtMs, nowMs);
  }

  /** Leaves all; the one with which another client may go on. */
  close(): OpenSession | undefined {
    const window = this.#current ?? this.#fresh;
    this.leave();
    this.#leave(this.#fresh);
    this.#fresh = undefined;
    this.#opener.end();
    if (window === undefined || window.size > 0) return undefined;
    return { session: window.session, next: window.next, openedAtMs: window.openedAtMs };
  }

  #aged(window: Window, nowMs: number): boolean {
    return nowMs - window.openedAtMs >= this.#options.renewMs;
  }

  #leave(window: Window | undefined): void {
    if (window !== undefined) this.#effects.left?.(window.session);
  }

  #open(nowMs: number): void {
    const message = this.#opener.begin(nowMs, this.#anyHost, () => ({ tag: 'open', nonce: this.#options.nonce() }));
    if (message !== undefined) this.#effects.send(this.#anyHost, message);
  }
}
