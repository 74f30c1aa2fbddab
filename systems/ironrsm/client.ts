/** The client of IronRSM: asks again until a reply comes, finds the leader, and fails with a typed error. */
import { monotonicNowMs } from '../../src/host/real-time.js';
import { E } from '../../src/spec/prelude.js';
import { type ClientError, closedError, type Outcome, tooLarge } from './client/core.js';
import { type ClientOptions, ClientPort } from './client/port.js';
import type { Requester, RequestOptions } from './client/typed.js';
import { wireMax } from './messages.js';

export {
  type ClientError,
  ClientSession,
  type Outcome,
  type SessionEffects,
  type SessionOptions,
} from './client/core.js';
export { type ClientOptions, ClientPort } from './client/port.js';
export { askStatus, type ReplicaStatus } from './client/status.js';
export {
  type ApplicationError,
  type CommandError,
  CounterClient,
  KvClient,
  type Requester,
  type RequestOptions,
} from './client/typed.js';

/** How long a request may take where the caller does not say. */
export const requestTimeoutMsDefault = 5000;

/** What `RsmClient.open` takes. */
export interface RsmClientOptions extends ClientOptions {
  /** The cluster's `requestBytesMax`: a larger request fails at once. Without it the replicas refuse it. */
  readonly requestBytesMax?: number;
}

interface Queued {
  readonly value: Uint8Array;
  readonly timeoutMs: number;
  readonly settle: (answer: E.Either<ClientError, Uint8Array>) => void;
}

/** One client: its requests are executed one after the other, in the order in which they were made. */
export class RsmClient implements Requester {
  readonly #port: ClientPort;
  readonly #requestBytesMax: number;
  readonly #queue: Queued[] = [];
  #current: Queued | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #closed = false;

  /** Takes over `port`. */
  constructor(port: ClientPort, requestBytesMax = wireMax.valueBytes) {
    this.#port = port;
    this.#requestBytesMax = Math.min(requestBytesMax, wireMax.valueBytes);
    port.onSettled(this.#settled);
  }

  /** Opens a client on a socket of its own. `Left` says in one sentence why that is not possible. */
  static async open(options: RsmClientOptions): Promise<E.Either<string, RsmClient>> {
    const port = await ClientPort.open(options);
    return E.isLeft(port) ? port : E.right(new RsmClient(port.right, options.requestBytesMax));
  }

  /**
   * Has `value` executed, at most once, and gives the reply. `value` must not change until then. The time that a request
   * waits behind earlier ones of this client does not count.
   */
  request(value: Uint8Array, options: RequestOptions = {}): Promise<E.Either<ClientError, Uint8Array>> {
    if (this.#closed) return Promise.resolve(E.left(closedError));
    if (value.length > this.#requestBytesMax) return Promise.resolve(E.left(tooLarge(value.length)));
    return new Promise((settle) => {
      this.#queue.push({ value, timeoutMs: options.timeoutMs ?? requestTimeoutMsDefault, settle });
      this.#next();
    });
  }

  /** Closes the socket; what is unanswered fails as `Closed`. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const queued = this.#queue.splice(0);
    await this.#port.close();
    for (const { settle } of queued) settle(E.left(closedError));
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#current = next;
    this.#port.request(next.value, next.timeoutMs);
    this.#arm();
  }

  readonly #settled = (outcome: Outcome): void => {
    const current = this.#current;
    this.#current = undefined;
    current?.settle(outcome.tag === 'reply' ? E.right(outcome.value) : E.left(outcome.error));
    if (!this.#closed) this.#next();
  };

  // An armed timer that fires too early costs less than one that is moved with every request.
  #arm(): void {
    const wakeAtMs = this.#port.wakeAtMs;
    if (wakeAtMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = wakeAtMs;
    this.#timer = setTimeout(this.#onTimer, Math.max(wakeAtMs - monotonicNowMs(), 1));
  }

  readonly #onTimer = (): void => {
    this.#timerAtMs = Infinity;
    this.#port.onTime();
    if (this.#port.busy) this.#arm();
  };
}
