/** What a client of IronKV is made of, and what it does to the world. */
import type { RetryOptions } from '../../../src/client/retry-clock.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { KvMessage, Session } from '../messages.js';
import type { OpenSession } from './opening.js';
import type { Settlement } from './outcome.js';
import type { RangeCache } from './range-cache.js';
import type { Repeats } from './repeats.js';

/** What a client does to the world. */
export interface ClientEffects {
  /** Sends a message to the host with this index; `false` where it was not taken, which only the reliable host may say. */
  send(host: number, message: KvMessage): boolean;
  /** Called once for each request; new ones may be asked for from there. */
  settled(id: number, settlement: Settlement): void;
  /** From now on answers may come to this session, which is not the one that the client was made with. */
  opened?(session: Session): void;
  /** What comes to this session no longer matters. */
  left?(session: Session): void;
}

/** What a client is made of. */
export interface ClientCoreOptions extends RetryOptions {
  readonly hosts: readonly EndPoint[];
  /** Whether requests are executed in the order in which they were made. */
  readonly ordered: boolean;
  /** Requests that may be outstanding, at most the cluster's `sessionWindowMax`; more wait for their turn. */
  readonly window: number;
  /** The age at which a session in use is changed for a new one, so that it stays among the young. */
  readonly renewMs: number;
  /** An unpredictable number of 32 bits. */
  readonly nonce: () => number;
  /** The index of the host, if there is one, to and from which nothing is lost or changes its order. */
  readonly reliableHost?: number;
  /** What is known of who owns what; may be shared. */
  readonly ranges?: RangeCache;
  /** What is repeated where no answer comes; shared by clients that share a socket, so that they do not ask a host together for what one alone would not. */
  readonly repeats?: Repeats;
  /** A session to go on with. */
  readonly session?: OpenSession;
}
