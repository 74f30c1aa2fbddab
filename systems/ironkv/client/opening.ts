/** An `open` of a client under way. One nonce for all tries, so that the answer to any of them will do; a retry may leave an unused session behind. */
import type { Message } from '../messages.js';

/** What a client asks for a session with. */
export interface Opening {
  readonly message: Message<'open'>;
  retryAtMs: number;
  waitMs: number;
  tries: number;
}

/** A session that can go on with another client: all seqnos below `next` are settled. */
export interface OpenSession {
  readonly session: Message<'opened'>['session'];
  readonly next: number;
  /** By the clock of the clients that use it. */
  readonly openedAtMs: number;
}
