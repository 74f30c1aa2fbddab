/** How a request of a client of IronRSM ends, and what is known where it has no reply (README.md, "What clients add"). */
import type { BadArgument, SessionFailure } from '../../../src/client/failure.js';

/** Why a request has no reply. `message` says in a sentence what `known` says to a program. */
export type ClientError =
  | SessionFailure
  | BadArgument
  | { readonly tag: 'TooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'ReplyTooLarge'; readonly message: string; readonly known: 'not executed' }
  | { readonly tag: 'SeqnoReused'; readonly message: string; readonly known: 'not executed' };

/** How a request ended. */
export type Outcome =
  | { readonly tag: 'reply'; readonly value: Uint8Array }
  | { readonly tag: 'failed'; readonly error: ClientError };

/** An outcome without a reply. */
export const failed = (error: ClientError): Outcome => ({ tag: 'failed', error });

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

/** Another value was executed under the request's seqno: another program uses the session. */
export const seqnoReused: ClientError = {
  tag: 'SeqnoReused',
  known: 'not executed',
  message:
    'SEQNO_REUSED: another request was executed under the seqno of this one, which was not executed; a session belongs to one client',
};
