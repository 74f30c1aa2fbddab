/** What a host counts for its operators. */
import type { KvCounters } from '../messages.js';

/** The counters of a host that starts; whoever counts changes them. */
export const noCounts = (): { -readonly [name in keyof KvCounters]: number } => ({
  strangers: 0,
  delegatesRefused: 0,
  shardsRefused: 0,
  requestsRefused: 0,
  requestsRedirected: 0,
  requestsUnannounced: 0,
});
