/**
 * The sessions of one client of IronKV: the one in use, the younger one that takes over from it, the question for the next, and those
 * that were left with requests outstanding.
 */
import type { RetryClock } from '../../../src/client/retry-clock.js';
import { SessionOpener } from '../../../src/client/session-opener.js';
import { SessionWindow } from '../../../src/client/session-window.js';
import type { Message, Session } from '../messages.js';
import type { OpenSession } from './opening.js';
import type { ClientCoreOptions, ClientEffects } from './options.js';
import { type Pending, silencesPerHost, type Window } from './pending.js';
import { sameSession } from './requests.js';

/** Sessions that a client leaves with requests outstanding, at most: their hosts may be dead, and hosts remember only so many sessions. */
const leftOpenMax = 8;

/**
 * Which session a request goes into. One is changed for a younger one when it has aged, or when its lowest request has had no
 * answer for so long that it holds up all others. An ordered session then has to be without anything outstanding, so that order is kept; of another
 * one what is outstanding ends where it was begun.
 */
export class Sessions {
  readonly #options: ClientCoreOptions;
  readonly #effects: ClientEffects;
  readonly #opener: SessionOpener<Message<'open'>, number>;
  #current: Window | undefined;
  /** Takes over once nothing is outstanding in `#current`. */
  #fresh: Window | undefined;
  /** Left with something outstanding. */
  readonly #leftOpen = new Set<Window>();
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

  /** What is outstanding, in all of them; the caller's own array. */
  outstanding(): readonly Pending[] {
    const inUse = this.#current?.all() ?? [];
    return this.#leftOpen.size === 0 ? inUse : [...[...this.#leftOpen].flatMap((window) => window.all()), ...inUse];
  }

  /** The window of `session`, if that is open. */
  windowOf(session: Session): Window | undefined {
    const current = this.#current;
    if (current !== undefined && sameSession(current.session, session)) return current;
    for (const window of this.#leftOpen) if (sameSession(window.session, session)) return window;
    return undefined;
  }

  /** Something in `window` was settled. */
  settledIn(window: Window): void {
    if (window.size === 0 && this.#leftOpen.delete(window)) this.#leave(window);
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
    if (current !== undefined && !this.#isOver(current, nowMs)) return current;
    const mayLeave = current === undefined || current.size === 0 || this.#mayLeaveOpen;
    const fresh = this.#fresh;
    if (fresh === undefined || (mayLeave && this.#aged(fresh, nowMs))) {
      if (wanted || (current !== undefined && current.size > 0)) this.#open(nowMs);
      return current !== undefined && current.size > 0 ? current : undefined;
    }
    if (!mayLeave) return this.#options.ordered ? undefined : current;
    if (current !== undefined && current.size > 0) this.#leftOpen.add(current);
    else this.#leave(current);
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

  /** Gives one up, with what is outstanding in it. */
  leave(window: Window): void {
    this.#leave(window);
    this.#leftOpen.delete(window);
    if (window === this.#current) this.#current = undefined;
  }

  /** One has expired. */
  expired(window: Window, nowMs: number): void {
    this.#opener.expired(window.openedAtMs, nowMs);
  }

  /** Leaves all; the one with which another client may go on. */
  close(): OpenSession | undefined {
    const window = this.#current ?? this.#fresh;
    for (const open of this.#leftOpen) this.leave(open);
    if (this.#current !== undefined) this.leave(this.#current);
    this.#leave(this.#fresh);
    this.#fresh = undefined;
    this.#opener.end();
    if (window === undefined || window.size > 0) return undefined;
    return { session: window.session, next: window.next, openedAtMs: window.openedAtMs };
  }

  get #mayLeaveOpen(): boolean {
    return !this.#options.ordered && this.#leftOpen.size < leftOpenMax;
  }

  /** Whether a younger one should take over. */
  #isOver(window: Window, nowMs: number): boolean {
    if (this.#aged(window, nowMs)) return true;
    const heldUpBy = window.full && this.#mayLeaveOpen ? window.get(window.floor) : undefined;
    return heldUpBy?.sentAtMs !== undefined && nowMs - heldUpBy.sentAtMs >= this.#options.retryMsMax;
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
