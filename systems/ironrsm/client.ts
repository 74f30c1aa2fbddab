/** The client of IronRSM: asks again until a reply comes, finds the leader, and fails with a typed error that says what is known. */
import { badArgument, closedError, timeoutProblem } from '../../src/client/failure.js';
import { TimedClient } from '../../src/client/timed-client.js';
import { E } from '../../src/spec/prelude.js';
import { type ClientError, type Outcome, tooLarge } from './client/outcome.js';

import { type ClientOptions, ClientPort } from './client/port.js';
import type { Requester, RequestOptions } from './client/typed.js';
import { partHeaderBytes, wireMax } from './messages.js';

export type { BadArgument, Known } from '../../src/client/failure.js';
export { ClientCore } from './client/core.js';
export type { ClientCoreOptions, ClientEffects, ClientSession } from './client/options.js';
export type { ClientError, Outcome } from './client/outcome.js';
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

/**
 * One client with a session of its own, which is opened with the first request. Many requests may be outstanding; they are
 * executed in the order in which they were made only if the client was opened as `ordered`.
 */
export class RsmClient implements Requester {
  readonly #client: TimedClient<Uint8Array, Outcome>;
  readonly #requestBytesMax: number;

  /** Takes over `port`. */
  constructor(port: ClientPort, requestBytesMax = wireMax.valueBytes) {
    this.#client = new TimedClient(port);
    this.#requestBytesMax = Math.min(requestBytesMax, wireMax.valueBytes) - partHeaderBytes;
  }

  /** Opens a client on a socket of its own. `Left` says in one sentence why that is not possible. */
  static async open(options: RsmClientOptions): Promise<E.Either<string, RsmClient>> {
    const port = await ClientPort.open(options);
    return E.isLeft(port) ? port : E.right(new RsmClient(port.right, options.requestBytesMax));
  }

  /** Has `value` executed, at most once, and gives the reply. `value` must not change until then. Requests made without waiting in between leave together. */
  request(value: Uint8Array, options: RequestOptions = {}): Promise<E.Either<ClientError, Uint8Array>> {
    if (this.#client.closed) return Promise.resolve(E.left(closedError(false)));
    const { timeoutMs = requestTimeoutMsDefault } = options;
    const problem = value instanceof Uint8Array ? timeoutProblem(timeoutMs) : 'an operation is a Uint8Array';
    if (problem !== undefined) return Promise.resolve(E.left(badArgument(problem)));
    if (value.length > this.#requestBytesMax) return Promise.resolve(E.left(tooLarge(value.length)));
    return new Promise((resolve) => {
      this.#client.ask(value, timeoutMs, (outcome) =>
        // A copy: whoever keeps a reply should not keep the datagram that it came in.
        resolve(outcome.tag === 'reply' ? E.right(new Uint8Array(outcome.value)) : E.left(outcome.error)),
      );
    });
  }

  /** Closes the socket; what is unanswered fails as `Closed`. May be called again. */
  close(): Promise<void> {
    return this.#client.close();
  }
}
