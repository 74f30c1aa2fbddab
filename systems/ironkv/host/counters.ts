/** What a host counts for its operators. */

/** What a host refused or sent elsewhere since it started, for its operators: no part of the protocol's state. */
export interface KvCounters {
  /** Packets of hosts' kinds whose source is no host. */
  readonly strangers: number;
  /** Bodies of peers that no host sends which follows README.md, and all that seem to come from the host itself: they change nothing. */
  readonly delegatesRefused: number;
  /** Orders of others than administrators, and orders refused for what they ask. Repetitions of the latter do not count. */
  readonly shardsRefused: number;
  readonly requestsRefused: number;
  readonly requestsRedirected: number;
  /** Requests ignored, as their session is not announced: early ones, which their clients repeat, or invented ones. */
  readonly requestsUnannounced: number;
}

/** The counters of a host that starts; whoever counts changes them. */
export const noCounts = (): { -readonly [name in keyof KvCounters]: number } => ({
  strangers: 0,
  delegatesRefused: 0,
  shardsRefused: 0,
  requestsRefused: 0,
  requestsRedirected: 0,
  requestsUnannounced: 0,
});
