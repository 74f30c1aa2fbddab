/** By what a replica finds a request again (README.md, "Terms": the key of a request). */
import type { Request } from '../messages.js';

/** The key of a request of a session: within one window no two seqnos share it. */
export const executeKey = (session: number, seqno: number, window: number): number =>
  session * window + (seqno % window);

/** The key of a request. */
export const keyOf = (request: Request, window: number): number | string =>
  request.tag === 'open' ? `${request.client}#${request.nonce}` : executeKey(request.session, request.seqno, window);
