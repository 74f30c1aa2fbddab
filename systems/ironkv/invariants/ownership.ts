/** Who holds which keys (README.md, "Why this is safe"; IronFleet's SHT proof, delegation files). */

import { type Evidence, everyPacket } from '../../../src/refinement/cluster.js';
import { showValue } from '../../../src/refinement/values.js';
import { textOfKey } from '../commands.js';
import { type KvCluster, shardKey } from '../history.js';
import type { HostState, Move } from '../protocol.js';
import {
  configurationOf,
  type HostChange,
  type Invariant,
  inFlight,
  inRange,
  invariant,
  newlyAccepted,
  newlySent,
  ownRanges,
  owns,
  type Range,
  rangeOf,
  senderOf,
  statesOf,
  united,
  without,
} from './form.js';

const whole: readonly Range[] = [{ lo: '', hi: null }];

const sameRanges = (a: readonly Range[], b: readonly Range[]): boolean =>
  a.length === b.length && a.every(({ lo, hi }, i) => lo === b[i]?.lo && hi === b[i]?.hi);

/** What is wrong with claims that should cover exactly `expected`. */
const claimsDiffer = (claims: readonly Range[], expected: readonly Range[]): Evidence => {
  const covered = united(claims);
  if (covered === undefined) return { claimed: 'twice', claims: showValue(claims) };
  if (sameRanges(covered, united(expected) ?? [])) return undefined;
  return { claimed: 'otherwise than before', claims: showValue(covered), before: showValue(expected) };
};

const present = <T>(values: Iterable<T | undefined>): T[] => [...values].filter((v): v is T => v !== undefined);

/** The keys that change hands in a step: what the host gave up and what it took must be what it sent and accepted. */
const claimsOfStep = (cluster: KvCluster, change: HostChange): Evidence => {
  const sent = present([...newlySent(cluster, change)].map(({ body }) => rangeOf(body)));
  const accepted = present([...newlyAccepted(cluster, change)].map(({ body }) => rangeOf(body)));
  if (change.before.map === change.after.map && sent.length === 0 && accepted.length === 0) return undefined;
  return claimsDiffer([...ownRanges(change.after), ...sent], [...ownRanges(change.before), ...accepted]);
};

export const eachKeyClaimedInExactlyOnePlace: Invariant = invariant(
  'EachKeyClaimedInExactlyOnePlace',
  'IronFleet SHT, EachKeyClaimedInExactlyOnePlace',
  function* (cluster) {
    const travelling = present([...inFlight(cluster)].map(({ body }) => rangeOf(body)));
    yield claimsDiffer([...statesOf(cluster).flatMap(ownRanges), ...travelling], whole);
  },
  function* (cluster, change) {
    yield claimsOfStep(cluster, change);
  },
);

const mapDefect = ({ map, constants }: HostState): Evidence => {
  const hosts = constants.configuration.hosts.length;
  if (map[0]?.lo !== '') return { host: constants.index, starts: map[0]?.lo };
  for (const [i, entry] of map.entries()) {
    const next = map[i + 1];
    if (!(entry.host >= 0 && entry.host < hosts)) return { host: constants.index, at: entry.lo, names: entry.host };
    if (next !== undefined && (entry.lo >= next.lo || entry.host === next.host))
      return { host: constants.index, entry: showValue(entry), next: showValue(next) };
  }
  return undefined;
};

export const mapIsCanonical: Invariant = invariant(
  'MapIsCanonical',
  'IronFleet SHT, delegations are to known hosts; section 5.2.2, the sorted list',
  (cluster) => statesOf(cluster).map(mapDefect),
  function* (_, { before, after }) {
    if (before.map !== after.map) yield mapDefect(after);
  },
);

const storedDefect = (state: HostState, key: string): Evidence => {
  const { keyBytesMax, valueBytesMax } = state.constants.configuration.parameters;
  const value = state.table.get(key);
  if (value === undefined) return undefined;
  const within = key.length <= keyBytesMax && value.length <= valueBytesMax;
  return owns(state, key) && within ? undefined : { host: state.constants.index, key, owned: owns(state, key), within };
};

/** The table's keys come in order, each of them found. */
const orderDefect = (state: HostState): Evidence => {
  const ordered = [...state.table.keys()];
  const ascending = ordered.every((key, i) => i === 0 || (ordered[i - 1] as string) < key);
  return ascending && ordered.length === state.table.size && ordered.every((key) => state.table.has(key))
    ? undefined
    : { host: state.constants.index, ordered: ordered.length, stored: state.table.size, ascending };
};

export const storedKeysAreOwned: Invariant = invariant(
  'StoredKeysAreOwned',
  'IronFleet SHT, hosts store only keys that they own',
  function* (cluster) {
    for (const state of statesOf(cluster)) {
      for (const key of state.table.keys()) yield storedDefect(state, key);
      yield orderDefect(state);
    }
  },
  function* (_, { before, after }) {
    for (const key of after.table.diff(before.table)) yield storedDefect(after, key);
    if (before.map === after.map) return;
    // What the host no longer owns: the keys there that it kept.
    for (const lost of without(ownRanges(before), ownRanges(after))) {
      for (const key of after.table.keysFrom(lost.lo)) {
        if (!inRange(key, lost)) break;
        yield storedDefect(after, key);
      }
    }
  },
);

export const delegateIsWellFormed: Invariant = everyPacket(
  'DelegateIsWellFormed',
  'README.md, "delegate"',
  'deliver',
  (p, c) => {
    const range = rangeOf(p.message.body);
    if (senderOf(p, c) === undefined || p.message.body.tag !== 'delegate' || range === undefined) return undefined;
    if (range.hi !== null && range.lo >= range.hi) return { lo: range.lo, hi: range.hi };
    let last: string | undefined;
    for (const { key } of p.message.body.pairs) {
      const text = textOfKey(key);
      if (!inRange(text, range) || (last !== undefined && text <= last)) return { range, key: text, after: last };
      last = text;
    }
    return undefined;
  },
);

const leftOf = ({ next, hi, last }: Move): Range | undefined => (last === null ? { lo: next ?? '', hi } : undefined);

const movesDefect = (state: HostState): Evidence => {
  const left = present(state.moves.map(leftOf));
  const { hosts } = state.constants.configuration;
  for (const move of state.moves) {
    const toAnother = move.recipient !== state.constants.index && hosts[move.recipient] !== undefined;
    if (!toAnother || (move.last === null && move.next === null)) return { move: showValue(move) };
  }
  for (const range of left) {
    const empty = range.hi !== null && range.lo >= range.hi;
    const inside = ownRanges(state).some(
      (own) => own.lo <= range.lo && (own.hi === null || (range.hi !== null && range.hi <= own.hi)),
    );
    if (empty || !inside) return { host: state.constants.index, left: range, empty, owned: inside };
  }
  return united(left) === undefined ? { host: state.constants.index, overlapping: left } : undefined;
};

export const movesAreOwned: Invariant = invariant(
  'MovesAreOwned',
  'README.md, "Why this is safe": moves of one host never overlap',
  (cluster) => statesOf(cluster).map(movesDefect),
  function* (_, { before, after }) {
    if (before.moves !== after.moves || before.map !== after.map) yield movesDefect(after);
  },
);

const orderedDefect = (cluster: KvCluster, state: HostState): Evidence => {
  const { hosts, administrators } = configurationOf(cluster);
  const { me } = state.constants;
  const mayOrder = (source: string): boolean => [...hosts, ...administrators].some((e) => e === source);
  const sentBy = (source: string, seqno: number) => cluster.history.shards.get(shardKey(source, me, seqno)) ?? [];
  for (const [source, { seqno }] of state.shards) {
    if (!mayOrder(source) || sentBy(source, seqno).length === 0) return { host: me, administrator: source, seqno };
  }
  for (const move of state.moves) {
    const ordered = sentBy(move.administrator, move.seqno).some(
      ({ lo, hi, recipient }) =>
        textOfKey(lo) <= (move.next ?? textOfKey(lo)) &&
        (hi === null ? null : textOfKey(hi)) === move.hi &&
        recipient === hosts[move.recipient],
    );
    if (!mayOrder(move.administrator) || !ordered) return { host: me, move: showValue(move) };
  }
  return undefined;
};

export const onlyTheAllowedMove: Invariant = invariant(
  'OnlyTheAllowedMove',
  'README.md, "shard"; unlike IronFleet SHT, which takes a shard from anyone',
  (cluster) => statesOf(cluster).map((state) => orderedDefect(cluster, state)),
  function* (cluster, { before, after }) {
    if (before.moves !== after.moves || before.shards !== after.shards) yield orderedDefect(cluster, after);
  },
);

export const redirectsLeadAway: Invariant = everyPacket(
  'RedirectsLeadAway',
  'README.md, "Redirects end"',
  'redirect',
  (p, c) => (senderOf(p, c) === p.message.host ? { sender: p.source, to: p.message.host } : undefined),
);
