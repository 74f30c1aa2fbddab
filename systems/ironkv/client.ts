/** The client of IronKV: finds the owner of each key, asks again until an answer comes, and fails with a typed error that says what is known. */
import { type BadArgument, badArgument, closedError, timeoutProblem } from '../../src/client/failure.js';
import { TimedClient } from '../../src/client/timed-client.js';
import { E } from '../../src/spec/prelude.js';
import {
  type ClientError,
  type CommandFailure,
  commandFailure,
  keyTooLong,
  type Settlement,
  valueTooLarge,
} from './client/outcome.js';
import { type ClientOptions, ClientPort } from './client/port.js';
import { problemOf, valueBytesOf } from './client/requests.js';
import { type Command, type Outcome, type When, wireMax } from './commands.js';
import { defaultParameters } from './configuration.js';

export type { BadArgument, Known } from '../../src/client/failure.js';
export {
  Administrator,
  type AdministratorOptions,
  type ShardDone,
  type ShardError,
  type ShardOrder as RangeOrder,
} from './client/administrator.js';
export { ClientCore } from './client/core.js';
export {
  type ContestedRange,
  type Coverage,
  coverageOf,
  type KeyRange,
  type MoveUnderWay,
  movesUnderWay,
  silentHosts,
} from './client/coverage.js';
export type { OpenSession } from './client/opening.js';
export type { ClientCoreOptions, ClientEffects } from './client/options.js';
export type { ClientError, CommandFailure, Settlement } from './client/outcome.js';
export { type ClientOptions, ClientPort, renewMsDefault } from './client/port.js';
export { RangeCache } from './client/range-cache.js';
export {
  averagedRanges,
  middleCut,
  ownedRanges,
  type PlanOptions,
  type Proposal,
  planDefaults,
  planMoves,
  type RangeLoad,
} from './client/rebalance.js';
export { askStatus, type HostAnswer, type HostStatus } from './client/status.js';

/** How long a request may take where the caller does not say. */
export const requestTimeoutMsDefault = 5000;

/** What goes with a request. */
export interface RequestOptions {
  /** How long to ask before the request ends as `Timeout`. */
  readonly timeoutMs?: number;
}

/** How a request of a `KvStoreClient` ends without a value. */
export type RequestError = ClientError | CommandFailure | BadArgument;

type Answer<A> = Promise<E.Either<RequestError, A>>;

/**
 * One client with a session of its own, which is opened with the first request. Many requests may be outstanding; they are
 * executed in the order in which they were made only if the client was opened as `ordered`. Keys and values must not change
 * until a request ends; what is returned is the caller's own.
 */
export class KvStoreClient {
  readonly #client: TimedClient<Command, Settlement>;
  readonly #keyBytesMax: number;
  readonly #valueBytesMax: number;

  /** Takes over `port`. */
  constructor(port: ClientPort, limits: Pick<ClientOptions, 'keyBytesMax' | 'valueBytesMax'> = {}) {
    this.#client = new TimedClient(port);
    this.#keyBytesMax = Math.min(limits.keyBytesMax ?? defaultParameters.keyBytesMax, wireMax.keyBytes);
    this.#valueBytesMax = Math.min(limits.valueBytesMax ?? defaultParameters.valueBytesMax, wireMax.valueBytes);
  }

  /** Opens a client on a socket of its own. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, KvStoreClient>> {
    const port = await ClientPort.open(options);
    return E.isLeft(port) ? port : E.right(new KvStoreClient(port.right, options));
  }

  /** The value; null where the key is absent. */
  get(key: Uint8Array, options?: RequestOptions): Answer<Uint8Array | null> {
    // A copy: whoever keeps a value should not keep the datagram that it came in.
    const own = (o: Outcome) => (o.tag === 'value' ? (o.value === null ? null : new Uint8Array(o.value)) : undefined);
    return this.#ask({ tag: 'get', key }, options, own);
  }

  /** The length of the value in bytes; null where the key is absent. */
  length(key: Uint8Array, options?: RequestOptions): Answer<number | null> {
    return this.#ask({ tag: 'length', key }, options, (o) => (o.tag === 'length' ? o.length : undefined));
  }

  /** Writes `value`, always or only where the key is absent or present; whether that took place. */
  set(key: Uint8Array, value: Uint8Array, options?: RequestOptions & { readonly when?: When }): Answer<boolean> {
    return this.#ask({ tag: 'set', key, value, when: options?.when ?? 'always' }, options, doneOf);
  }

  /** Whether there was a value to delete. */
  delete(key: Uint8Array, options?: RequestOptions): Answer<boolean> {
    return this.#ask({ tag: 'delete', key }, options, doneOf);
  }

  /** Writes `value` if the key holds `old` (null: if it is absent); whether that took place. */
  compareAndSet(key: Uint8Array, old: Uint8Array | null, value: Uint8Array, options?: RequestOptions): Answer<boolean> {
    return this.#ask({ tag: 'compareAndSet', key, old, value }, options, doneOf);
  }

  /** Adds `by`, a safe integer, to the decimal integer at the key, 0 where it is absent; the sum. */
  increment(key: Uint8Array, by = 1, options?: RequestOptions): Answer<number> {
    // A sum may come out as -0, which messages do not know.
    return this.#ask({ tag: 'increment', key, by: by + 0 }, options, numberOf);
  }

  /** Appends to the value, empty where the key is absent; the new length in bytes. */
  append(key: Uint8Array, value: Uint8Array, options?: RequestOptions): Answer<number> {
    return this.#ask({ tag: 'append', key, value }, options, numberOf);
  }

  /** Closes the socket; what is unanswered fails as `Closed`. May be called again. */
  close(): Promise<void> {
    return this.#client.close();
  }

  /** What is wrong with a request: nothing of it may be queued. */
  #errorIn(command: Command, timeoutMs: number): RequestError | undefined {
    const problem = problemOf(command) ?? timeoutProblem(timeoutMs);
    if (problem !== undefined) return badArgument(problem);
    if (command.key.length > this.#keyBytesMax) return keyTooLong(command.key.length);
    const valueBytes = valueBytesOf(command);
    return valueBytes > this.#valueBytesMax ? valueTooLarge(valueBytes) : undefined;
  }

  #ask<A>(command: Command, options: RequestOptions | undefined, answerIn: (o: Outcome) => A | undefined): Answer<A> {
    if (this.#client.closed) return Promise.resolve(E.left(closedError(false)));
    const { timeoutMs = requestTimeoutMsDefault } = options ?? {};
    const error = this.#errorIn(command, timeoutMs);
    if (error !== undefined) return Promise.resolve(E.left(error));
    return new Promise((resolve) => {
      this.#client.ask(command, timeoutMs, (settlement) => resolve(answered(settlement, answerIn)));
    });
  }
}

const doneOf = (o: Outcome): boolean | undefined => (o.tag === 'done' ? o.done : undefined);

const numberOf = (o: Outcome): number | undefined => (o.tag === 'number' ? o.number : undefined);

const answered = <A>(
  settlement: Settlement,
  answerIn: (outcome: Outcome) => A | undefined,
): E.Either<RequestError, A> => {
  if (settlement.tag === 'failed') return E.left(settlement.error);
  const { outcome } = settlement;
  if (outcome.tag === 'failed') return E.left(commandFailure(outcome.error));
  const answer = answerIn(outcome);
  // The core passes on only outcomes of the command's kind.
  if (answer === undefined) throw new Error(`an outcome of kind ${outcome.tag} answers no such command`);
  return E.right(answer);
};
