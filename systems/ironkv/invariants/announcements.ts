/** No session is used, and none expires, that its opener has not announced (README.md, "A session is announced before it is used"). */
import type { Evidence } from '../../../src/refinement/cluster.js';
import type { KvCluster } from '../history.js';
import { hostsMax } from '../messages.js';
import type { HostState } from '../protocol.js';
import {
  type InFlight,
  type Invariant,
  inFlight,
  inFlightBetween,
  invariant,
  newlySent,
  statesOf,
  toldIn,
} from './form.js';

/** The bound that a host has for its own sessions; none is announced of an opener that is no host. */
const ownBound = (cluster: KvCluster, opener: number): number =>
  statesOf(cluster)[opener]?.bounds[opener] ?? Number.NEGATIVE_INFINITY;

const numberDefect = (cluster: KvCluster, place: string, number: number): Evidence => {
  const bound = ownBound(cluster, number % hostsMax);
  return Math.floor(number / hostsMax) < bound ? undefined : { place, number, bound };
};

/** A horizon is one more than the number of a session that was stored. */
const horizonDefect = (cluster: KvCluster, place: string, opener: number, horizon: number): Evidence => {
  const bound = ownBound(cluster, opener);
  const highest = (bound - 1) * hostsMax + opener;
  return horizon <= highest + 1 ? undefined : { place, opener, horizon, bound };
};

function* bodyDefects(cluster: KvCluster, { from, to, seqno, body }: InFlight): Iterable<Evidence> {
  const place = `${from} to ${to}, ${seqno}`;
  for (const { session } of toldIn(body)) yield numberDefect(cluster, place, session.number);
  if (body.tag === 'announce') yield horizonDefect(cluster, place, to, body.horizon);
  else for (const [opener, horizon] of body.horizons.entries()) yield horizonDefect(cluster, place, opener, horizon);
}

function* stateDefects(cluster: KvCluster, state: HostState, sessions: Iterable<string>): Iterable<Evidence> {
  const { index } = state.constants;
  const place = `host ${index}`;
  for (const text of sessions) {
    const entry = state.sessions.get(text);
    if (entry !== undefined) yield numberDefect(cluster, place, entry.session.number);
  }
  for (const [opener, horizon] of state.horizons.entries()) yield horizonDefect(cluster, place, opener, horizon);
  const [{ opened }, bound] = [state.counts, ownBound(cluster, index)];
  if (opened > bound) yield { place, opened, bound };
}

// By change: bounds of openers grow, so that what held when it was stored or sent holds for ever.
export const sessionsAreAnnounced: Invariant = invariant(
  'SessionsAreAnnounced',
  'README.md, "A session is announced before it is used"',
  function* (cluster) {
    for (const state of statesOf(cluster)) yield* stateDefects(cluster, state, state.sessions.keys());
    for (const flight of inFlight(cluster)) yield* bodyDefects(cluster, flight);
  },
  function* (cluster, change) {
    yield* stateDefects(cluster, change.after, change.after.sessions.diff(change.before.sessions));
    for (const flight of newlySent(cluster, change)) yield* bodyDefects(cluster, flight);
  },
);

/** What one host has announced to another, and what that one has heard or will hear. */
const announcementDefect = (cluster: KvCluster, opener: HostState, to: HostState): Evidence => {
  const [from, index] = [opener.constants.index, to.constants.index];
  const own = opener.bounds[from] ?? 0;
  const heard = to.bounds[from] ?? 0;
  const { announced, warned } = opener.peers.get(index) ?? { announced: 0, warned: 0 };
  if (heard > own || announced > own || warned > (opener.horizons[index] ?? 0))
    return { opener: from, to: index, own, heard, announced, warned };
  let [bound, horizon] = [heard, to.horizons[index] ?? 0];
  if (bound >= announced && horizon >= warned) return undefined;
  for (const { body } of inFlightBetween(cluster, opener, to)) {
    if (body.tag !== 'announce') continue;
    [bound, horizon] = [Math.max(bound, body.bound), Math.max(horizon, body.horizon)];
  }
  return bound >= announced && horizon >= warned
    ? undefined
    : { opener: from, to: index, announced, warned, bound, horizon };
};

export const boundsAreAnnounced: Invariant = invariant(
  'BoundsAreAnnounced',
  'README.md, "announce"',
  function* (cluster) {
    const states = statesOf(cluster);
    for (const opener of states)
      for (const to of states) if (to !== opener) yield announcementDefect(cluster, opener, to);
  },
  function* (cluster, { before, after }) {
    if (before.bounds === after.bounds && before.peers === after.peers) return;
    for (const other of statesOf(cluster)) {
      if (other === after) continue;
      yield announcementDefect(cluster, after, other);
      yield announcementDefect(cluster, other, after);
    }
  },
);
