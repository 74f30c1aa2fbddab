/**
 * A client's session as a deterministic state machine: times and packets go in, sends and outcomes come out (IronFleet,
 * SOSP 2015, section 5.1, leaves the client untrusted and unspecified). The simulator drives it under virtual time.
 */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { successor } from '../../../src/spec/nat.js';
import type { Message, RsmMessage } from '../messages.js';

/** Why a request has no reply. After `Timeout` and `Closed` nobody knows whether it was executed, or will be. */
export type ClientError =
  | { readonly tag: 'Timeout'; readonly message: string; readonly timeoutMs: number }
  | { readonly tag: 'TooLarge'; readonly message: string }
  | { readonly tag: 'Closed'; readonly message: string };

/** How a request ended. */
export type Outcome =
  | { readonly tag: 'reply'; readonly value: Uint8Array }
  | { readonly tag: 'failed'; readonly error: ClientError };

/** What a session does to the world. */
export interface SessionEffects {
  /** Sends one message to each target. */
  send(targets: readonly EndPoint[], message: Message<'request'>): void;
  /** Called once for each request; the session is free for the next one. */
  settled(outcome: Outcome): void;
}

/** What a session is made of. */
export interface SessionOptions {
  readonly replicas: readonly EndPoint[];
  /** The first wait for a reply; further ones are half as long again each time, up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** The seqno of the first request. A later session at the same end point must start above all that this one used. */
  readonly seqnoFirst: number;
  /** From 0 to 1: spreads retries, so that clients that lost one leader do not ask the next all at once. */
  readonly random: () => number;
}

interface Pending {
  readonly message: Message<'request'>;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  retryAtMs: number;
  waitMs: number;
}

const backOff = 1.5;

/** Refused by name: the request is above the cluster's `requestBytesMax`. */
export const tooLarge = (bytes: number): ClientError => ({
  tag: 'TooLarge',
  message: `REQUEST_TOO_LARGE: the request has ${bytes} bytes, more than the cluster takes; it was not executed`,
});

/** The session was closed with the request unanswered. */
export const closedError: ClientError = {
  tag: 'Closed',
  message: 'the client was closed before an answer came; whether the request was executed is unknown',
};

const timedOut = (timeoutMs: number): ClientError => ({
  tag: 'Timeout',
  message: `no answer within ${timeoutMs} ms; whether the request was executed is unknown`,
  timeoutMs,
});

/** One request at a time; the caller queues the rest. */
export class ClientSession {
  readonly #options: SessionOptions;
  readonly #effects: SessionEffects;
  #seqnoNext: number;
  #pending: Pending | undefined;
  /** The one that answered last: leaders answer. */
  #leader: readonly EndPoint[] | undefined;
  readonly #single: ReadonlyMap<EndPoint, readonly EndPoint[]>;

  constructor(options: SessionOptions, effects: SessionEffects) {
    this.#options = options;
    this.#effects = effects;
    this.#seqnoNext = options.seqnoFirst;
    this.#single = new Map(options.replicas.map((r) => [r, [r]]));
  }

  /** Whether a request waits for its outcome. */
  get busy(): boolean {
    return this.#pending !== undefined;
  }

  /** When `onTime` wants to be called; `Infinity` while nothing is outstanding. */
  get wakeAtMs(): number {
    const p = this.#pending;
    return p === undefined ? Infinity : Math.min(p.retryAtMs, p.deadlineMs);
  }

  /** Sends a request, to the leader where it is known and else to all. Throws while another one is outstanding. */
  request(nowMs: number, value: Uint8Array, timeoutMs: number): void {
    if (this.#pending !== undefined) throw new Error('a session has one request outstanding');
    const seqno = this.#seqnoNext;
    this.#seqnoNext = successor(seqno);
    const message = { tag: 'request', seqno, value } as const;
    const waitMs = this.#options.retryMs;
    this.#pending = {
      message,
      timeoutMs,
      deadlineMs: nowMs + timeoutMs,
      retryAtMs: nowMs + this.#spread(waitMs),
      waitMs,
    };
    this.#effects.send(this.#leader ?? this.#options.replicas, message);
  }

  /** Takes a packet. Those of strangers and answers to earlier requests are ignored. */
  onPacket(source: EndPoint, message: RsmMessage): void {
    const pending = this.#pending;
    if (pending === undefined || (message.tag !== 'reply' && message.tag !== 'refused')) return;
    const leader = this.#single.get(source);
    if (leader === undefined || message.seqno !== pending.message.seqno) return;
    this.#pending = undefined;
    if (message.tag === 'refused') {
      this.#effects.settled({ tag: 'failed', error: tooLarge(pending.message.value.length) });
      return;
    }
    this.#leader = leader;
    this.#effects.settled({ tag: 'reply', value: message.value });
  }

  /** Gives up at the deadline, and asks again when the wait for a reply is over. */
  onTime(nowMs: number): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (nowMs >= pending.deadlineMs) {
      this.#pending = undefined;
      this.#leader = undefined;
      this.#effects.settled({ tag: 'failed', error: timedOut(pending.timeoutMs) });
      return;
    }
    if (nowMs < pending.retryAtMs) return;
    pending.waitMs = Math.min(pending.waitMs * backOff, this.#options.retryMsMax);
    pending.retryAtMs = nowMs + this.#spread(pending.waitMs);
    // To all: a leader that does not answer may be dead, and only replicas that have the request come to suspect it.
    this.#effects.send(this.#options.replicas, pending.message);
  }

  /** Ends the session; an outstanding request fails as `Closed`. */
  close(): void {
    if (this.#pending === undefined) return;
    this.#pending = undefined;
    this.#effects.settled({ tag: 'failed', error: closedError });
  }

  #spread(waitMs: number): number {
    return Math.ceil(waitMs * (0.75 + 0.5 * this.#options.random()));
  }
}
