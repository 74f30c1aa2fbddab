/** What a client of IronKV was asked for: a request of its own for each command. */
import { timedOut } from '../../../src/client/failure.js';
import type { Retry } from '../../../src/client/retry-clock.js';
import type { SessionWindow } from '../../../src/client/session-window.js';
import type { Command } from '../commands.js';
import type { Session } from '../messages.js';
import type { ClientError } from './outcome.js';
import { isWrite } from './requests.js';

/** A request without an outcome. Of one that waits to be sent, `retryAtMs` is when it may be. */
export interface Pending extends Retry {
  readonly id: number;
  readonly command: Command;
  /** The text of its key. */
  readonly key: string;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** The session's in which it has its seqno; `undefined` while it waits for one. */
  window: Window | undefined;
  seqno: number;
  /** The index of the host that it is on its way to; `undefined` while it waits to be sent (again). */
  target: number | undefined;
  /** When it was sent first; `undefined` before. */
  sentAtMs: number | undefined;
  /** Whether it was ever sent to a host from which a reply may be lost: it may have been executed there unheard. */
  maybeUnheard: boolean;
  /** Times that nobody answered. */
  silences: number;
  /** Redirects followed since the last silence. */
  redirects: number;
}

/** Every so many silences another host is asked. */
export const silencesPerHost = 3;

/** Whether another host than the believed owner of its key is to be asked. */
export const isAstray = ({ silences }: Pending): boolean => silences > 0 && silences % silencesPerHost === 0;

/** The outstanding requests of a session. */
export type Window = SessionWindow<Session, Pending>;

/** A request that ended without an outcome, and why. */
export interface Lost {
  readonly pending: Pending;
  readonly error: ClientError;
}

/** Its time is over. */
export const overdue = (pending: Pending): Lost => ({
  pending,
  error: timedOut(pending.timeoutMs, pending.sentAtMs !== undefined),
});

/** What becomes of the requests of a session that ended: those that are lost, with what `errorOf` gives, and those that may go on in another one. */
export const partsOf = (
  window: Window,
  ordered: boolean,
  nowMs: number,
  errorOf: (pending: Pending) => ClientError,
): { readonly lost: readonly Lost[]; readonly again: readonly Pending[] } => {
  const again: Pending[] = [];
  const lost: Lost[] = [];
  for (const pending of window.all()) {
    const harmless = pending.sentAtMs === undefined || (!ordered && !isWrite(pending.command));
    if (nowMs >= pending.deadlineMs) lost.push(overdue(pending));
    else if (harmless) again.push({ ...pending, window: undefined, seqno: -1, target: undefined, retryAtMs: 0 });
    else lost.push({ pending, error: errorOf(pending) });
  }
  return { lost, again };
};
