/** How a request of a client ends, and what is known where it has no reply (README.md, "What clients add"). */

/** What is known of a request without a reply: whether it was executed, or will be. */
export type Known = 'unknown' | 'not executed';

/** Why a request has no reply. `message` says in a sentence what `known` says to a program. */
export type ClientError =
  | { readonly tag: 'Timeout'; readonly message: string; readonly known: Known; readonly timeoutMs: number }
  | { readonly tag: 'TooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'ReplyTooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'SessionExpired'; readonly message: string; readonly known: 'unknown' }
  | { readonly tag: 'SeqnoReused'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'Closed'; readonly message: string; readonly known: Known };

/** How a request ended. */
export type Outcome =
  | { readonly tag: 'reply'; readonly value: Uint8Array }
  | { readonly tag: 'failed'; readonly error: ClientError };

/** An outcome without a reply. */
export const failed = (error: ClientError): Outcome => ({ tag: 'failed', error });

const whatIsKnown = (sent: boolean): { readonly known: Known; readonly words: string } =>
  sent
    ? { known: 'unknown', words: 'whether the request was executed is unknown' }
    : { known: 'not executed', words: 'the request was not sent, and will not be executed' };

/** Above the cluster's `requestBytesMax`. */
export const tooLarge = (bytes: number): ClientError => ({
  tag: 'TooLarge',
  known: 'not executed',
  message: `REQUEST_TOO_LARGE: the request has ${bytes} bytes, more than the cluster takes; it was not executed`,
});

/** No message has room for the replies to the request's operations. */
export const replyTooLarge: ClientError = {
  tag: 'ReplyTooLarge',
  known: 'not executed',
  message:
    'REPLY_TOO_LARGE: no message has room for the replies to this operation and those that were sent with it; none of them was executed',
};

/** The client was closed with the request unanswered; `sent`: whether any replica was asked. */
export const closedError = (sent: boolean): ClientError => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Closed', known, message: `the client was closed before an answer came; ${words}` };
};

/** No answer in time. */
export const timedOut = (timeoutMs: number, sent: boolean): ClientError => {
  const { known, words } = whatIsKnown(sent);
  return { tag: 'Timeout', known, message: `no answer within ${timeoutMs} ms; ${words}`, timeoutMs };
};

/** The session ended with the request unanswered. */
export const sessionExpired: ClientError = {
  tag: 'SessionExpired',
  known: 'unknown',
  message:
    'SESSION_EXPIRED: the session ended before an answer came; the request will not be executed from now on, and whether it was before is unknown',
};

/** Another value was executed under the request's seqno: another program uses the session. */
export const seqnoReused: ClientError = {
  tag: 'SeqnoReused',
  known: 'not executed',
  message:
    'SEQNO_REUSED: another request was executed under the seqno of this one, which was not executed; a session belongs to one client',
};
