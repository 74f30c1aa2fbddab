/** The client of IronRSM: asks again until a reply comes, finds the leader, and fails with a typed error that says what is known. */
import { monotonicNowMs } from '../../src/host/real-time.js';
import { E } from '../../src/spec/prelude.js';
import { type ClientError, closedError, type Outcome, tooLarge } from './client/outcome.js';
import { type ClientOptions, ClientPort } from './client/port.js';
import type { Requester, RequestOptions } from './client/typed.js';
import { operationHeaderBytes } from './client/window.js';
import { wireMax } from './messages.js';

export { ClientCore, type ClientCoreOptions, type ClientEffects, type ClientSession } from './client/core.js';
export type { ClientError, Known, Outcome } from './client/outcome.js';
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
export type RsmClientOptions = ClientOptions;

type Settle = (answer: E.Either<ClientError, Uint8Array>) => void;

/**
 * One client with a session of its own, which is opened with the first request. Many requests may be outstanding; they are
 * executed in the order in which they were made only if the client was opened as `ordered`.
 */
export class RsmClient implements Requester {
  readonly #port: ClientPort;
  readonly #requestBytesMax: number;
  readonly #settles = new Map<number, Settle>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #closed = false;

  /** Takes over `port`. */
  constructor(port: ClientPort, requestBytesMax = wireMax.valueBytes) {
    this.#port = port;
    this.#requestBytesMax = Math.min(requestBytesMax, wireMax.valueBytes) - operationHeaderBytes;
    port.onSettled(this.#settled);
  }

  /** Opens a client on a socket of its own. `Left` says in one sentence why that is not possible. */
  static async open(options: RsmClientOptions): Promise<E.Either<string, RsmClient>> {
    const port = await ClientPort.open(options);
    return E.isLeft(port) ? port : E.right(new RsmClient(port.right, options.requestBytesMax));
  }

  /** Has `value` executed, at most once, and gives the reply. `value` must not change until then. Requests made without waiting in between leave together. */
  request(value: Uint8Array, options: RequestOptions = {}): Promise<E.Either<ClientError, Uint8Array>> {
    if (this.#closed) return Promise.resolve(E.left(closedError(false)));
    if (value.length > this.#requestBytesMax) return Promise.resolve(E.left(tooLarge(value.length)));
    return new Promise((settle) => {
      this.#settles.set(this.#port.request(value, options.timeoutMs ?? requestTimeoutMsDefault), settle);
      this.#arm();
    });
  }

  /** Closes the socket; what is unanswered fails as `Closed`. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#port.close();
  }

  readonly #settled = (id: number, outcome: Outcome): void => {
    const settle = this.#settles.get(id);
    this.#settles.delete(id);
    // A copy: whoever keeps a reply should not keep the datagram that it came in.
    settle?.(outcome.tag === 'reply' ? E.right(new Uint8Array(outcome.value)) : E.left(outcome.error));
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
    if (this.#closed) return;
    this.#port.onTime();
    this.#arm();
  };
}
