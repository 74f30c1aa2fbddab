/** How a request of a client ends, and what is known where it has no reply (README.md, "What clients add"). */
import type { CommandError, Outcome } from '../commands.js';

/** What is known of a request without a reply: whether it was executed, or will be. */
export type Known = 'unknown' | 'not executed';

/** Why a request has no outcome. `message` says in a sentence what `known` says to a program. */
export type ClientError =
  | { readonly tag: 'Timeout'; readonly message: string; readonly known: Known; readonly timeoutMs: number }
  | { readonly tag: 'KeyTooLong'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'ValueTooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'OutOfWindow'; readonly message: string; readonly known: 'unknown' }
  | { readonly tag: 'SessionExpired'; readonly message: string; readonly known: 'unknown' }
  /** An earlier request of the ordered session was given up, and the session with it. */
  | { readonly tag: 'OrderLost'; readonly message: string; readonly known: 'unknown' }
  | { readonly tag: 'Closed'; readonly message: string; readonly known: Known };

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

const whatIsKnown = (sent: boolean): { readonly known: Known; readonly words: string } =>
  sent
    ? { known: 'unknown', words: 'whether the request was executed is unknown' }
    : { known: 'not executed', words: 'the request was not sent, and will not be executed' };

/** No answer in time; `sent`: whether any host was asked. */
export const timedOut = (timeoutMs: number, sent: boolean): ClientError => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Timeout', known, message: `no answer within ${timeoutMs} ms; ${words}`, timeoutMs };
};

/** The client was closed with the request unanswered. */
export const closedError = (sent: boolean): ClientError => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Closed', known, message: `the client was closed before an answer came; ${words}` };
};

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

/** The session ended with the request unanswered. */
export const sessionExpired: ClientError = {
  tag: 'SessionExpired',
  known: 'unknown',
  message:
    'SESSION_EXPIRED: the session ended before an answer came; the request will not be executed from now on, and whether it was before is unknown',
};

/** The order of the session ended with an earlier request that was given up. */
export const orderLost: ClientError = {
  tag: 'OrderLost',
  known: 'unknown',
  message:
    'an earlier request of the ordered session was given up, and the session with it; whether this one was executed is unknown',
};
