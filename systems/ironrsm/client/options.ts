/** What a client of IronRSM is made of, and what it does to the world. */
import type { RetryOptions } from '../../../src/client/retry-clock.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { RsmMessage } from '../messages.js';
import type { Outcome } from './outcome.js';

/** What a client does to the world. */
export interface ClientEffects {
  /** Sends each message to each target. The arrays must not be changed, nor kept. */
  send(targets: readonly EndPoint[], messages: readonly RsmMessage[]): void;
  /** Called once for each operation; new ones may be asked for from there. */
  settled(id: number, outcome: Outcome): void;
  /** Operations wait to be sent: `flush` is to be called soon, so that what is asked for meanwhile shares their request. Without it they are sent at once. */
  defer?(): void;
}

/** What a client is made of. */
export interface ClientCoreOptions extends RetryOptions {
  readonly replicas: readonly EndPoint[];
  /** Whether requests are executed in the order in which they were made. */
  readonly ordered: boolean;
  /** Bytes of a request that carries several operations, at most the cluster's `requestBytesMax`; learnt from refusals where it is not told. */
  readonly requestBytesMax?: number;
  /** Requests that may be outstanding, at most the cluster's `sessionWindow`; more wait for their turn. */
  readonly window: number;
  /** A natural that no client at this end point has drawn before. */
  readonly nonce: () => number;
}

/** A session as its client sees it. */
export interface ClientSession {
  readonly id: number;
  /** The client has the outcome of every seqno below. */
  readonly floor: number;
  /** The next seqno. */
  readonly next: number;
}
