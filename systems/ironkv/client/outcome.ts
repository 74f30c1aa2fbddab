/** How a request of a client ends, and what is known where it has no reply (README.md, "What clients add"). */
import type { SessionFailure } from '../../../src/client/failure.js';
import type { CommandError, Outcome } from '../commands.js';

/** Why a request has no outcome. `message` says in a sentence what `known` says to a program. */
export type ClientError =
  | SessionFailure
  | { readonly tag: 'KeyTooLong'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'ValueTooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'OutOfWindow'; readonly message: string; readonly known: 'unknown' }
  /** An earlier request of the ordered session was given up, and the session with it. */
  | { readonly tag: 'OrderLost'; readonly message: string; readonly known: 'unknown' };

/** How a request ended. */
export type Settlement =
  | { readonly tag: 'outcome'; readonly outcome: Outcome }
  | { readonly tag: 'failed'; readonly error: ClientError };

/** A request that ended without an outcome. */
export const failed = (error: ClientError): Settlement => ({ tag: 'failed', error });

/** The write was executed, and failed: it changed nothing. */
export interface CommandFailure {
  readonly tag: 'Failed';
  readonly error: CommandError;
  readonly message: string;
}

const failureWords: Readonly<Record<CommandError, string>> = {
  NOT_AN_INTEGER: 'the value is no decimal integer, or beyond 2^53 - 1',
  OUT_OF_RANGE: 'the sum would be beyond 2^53 - 1',
  VALUE_TOO_LARGE: 'the result would be longer than the cluster allows',
};

/** The failure of a command, in words. */
export const commandFailure = (error: CommandError): CommandFailure => ({
  tag: 'Failed',
  error,
  message: `${error}: ${failureWords[error]}; nothing was changed`,
});

/** A key above the cluster's `keyBytesMax`. */
export const keyTooLong = (bytes: number): ClientError => ({
  tag: 'KeyTooLong',
  known: 'not executed',
  message: `KEY_TOO_LONG: the key has ${bytes} bytes, more than the cluster takes; nothing was executed`,
});

/** A value above the cluster's `valueBytesMax`. */
export const valueTooLarge = (bytes: number): ClientError => ({
  tag: 'ValueTooLarge',
  known: 'not executed',
  message: `VALUE_TOO_LARGE: the value has ${bytes} bytes, more than the cluster takes; nothing was executed`,
});

/** The session's window at the host is smaller than the client's. A later copy may have been within it. */
export const outOfWindow: ClientError = {
  tag: 'OutOfWindow',
  known: 'unknown',
  message:
    "OUT_OF_WINDOW: the client's window is larger than the cluster's; whether the request was executed is unknown",
};

/** The order of the session ended with an earlier request that was given up. */
export const orderLost: ClientError = {
  tag: 'OrderLost',
  known: 'unknown',
  message:
    'an earlier request of the ordered session was given up, and the session with it; whether this one was executed is unknown',
};

/** The session expired, as was said of another of its requests. The owner of this one's key may not have heard so yet, and may still execute it. */
export const sessionGone: ClientError = {
  tag: 'SessionExpired',
  known: 'unknown',
  message:
    'SESSION_EXPIRED: the session ended before an answer came; whether the request was executed, or still will be, is unknown',
};
