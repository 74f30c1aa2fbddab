/** A session of IronKV that can go on with another client. */
import type * as client from '../../../src/client/session-window.js';
import type { Session } from '../messages.js';

/** All its seqnos below `next` are settled. */
export type OpenSession = client.OpenSession<Session>;
