/** Why a request of a client has no answer, where the reason is the same in every system, and what is known of it then. */

/** What is known of a request without an answer: whether it was executed, or will be. */
export type Known = 'unknown' | 'not executed';

/** No answer in time. `message` says in a sentence what `known` says to a program. */
export interface Timeout {
  readonly tag: 'Timeout';
  readonly message: string;
  readonly known: Known;
  readonly timeoutMs: number;
}

/** The session ended with the request unanswered. */
export interface SessionExpired {
  readonly tag: 'SessionExpired';
  readonly message: string;
  readonly known: 'unknown';
}

/** The client was closed with the request unanswered. */
export interface Closed {
  readonly tag: 'Closed';
  readonly message: string;
  readonly known: Known;
}

/** What was asked is nothing that could be asked: an error of the program. */
export interface BadArgument {
  readonly tag: 'BadArgument';
  readonly message: string;
  readonly known: 'not executed';
}

/** What every client of sessions must expect. */
export type SessionFailure = Timeout | SessionExpired | Closed;

const whatIsKnown = (sent: boolean): { readonly known: Known; readonly words: string } =>
  sent
    ? { known: 'unknown', words: 'whether the request was executed is unknown' }
    : { known: 'not executed', words: 'the request was not sent, and will not be executed' };

/** No answer in time; `sent`: whether anybody was asked. */
export const timedOut = (timeoutMs: number, sent: boolean): Timeout => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Timeout', known, message: `no answer within ${timeoutMs} ms; ${words}`, timeoutMs };
};

/** The client was closed; `sent`: whether anybody was asked. */
export const closedError = (sent: boolean): Closed => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Closed', known, message: `the client was closed before an answer came; ${words}` };
};

/** `what` is no argument for a request; in words, without a full stop. */
export const badArgument = (what: string): BadArgument => ({
  tag: 'BadArgument',
  known: 'not executed',
  message: `BAD_ARGUMENT: ${what}; nothing was executed`,
});

/** Why `timeoutMs` is no time that a request may take, if so. It may be `Infinity`. */
export const timeoutProblem = (timeoutMs: number): string | undefined =>
  typeof timeoutMs === 'number' && timeoutMs >= 0 ? undefined : 'a timeout is a number of milliseconds, at least 0';

/** The session ended. */
export const sessionExpired: SessionExpired = {
  tag: 'SessionExpired',
  known: 'unknown',
  message:
    'SESSION_EXPIRED: the session ended before an answer came; the request will not be executed from now on, and whether it was before is unknown',
};
