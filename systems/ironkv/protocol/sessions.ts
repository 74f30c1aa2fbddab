/** What a host knows of sessions: stored, learned and forgotten (README.md, "To learn", "expire"). */
import { successor } from '../../../src/spec/nat.js';
import { hostsMax, type Knowledge, type Session, textOfSession, type WriteRecord } from '../messages.js';
import type { HostState, SessionEntry } from './state.js';
import type { Effect } from './step.js';

/** The index of the host that gave out the number. */
export const openerOf = ({ number }: Session): number => number % hostsMax;

/** Whether writes of the session are never executed here from now on. */
export const isExpired = (horizons: readonly number[], session: Session): boolean => {
  const horizon = horizons[openerOf(session)];
  return horizon === undefined || session.number < horizon;
};

/** The knowledge in place of what is known of its session, with a stamp of its own; and `table`, where the session changed that too. */
export const stored = (
  s: HostState,
  { session, floor, next, records }: Knowledge,
  table: HostState['table'] = s.table,
): HostState => {
  const stamp = successor(s.counts.stamp);
  const entry: SessionEntry = { session, floor, next, records, stamp };
  // Field by field: a spread of so many costs several times as much, and each write makes one.
  return {
    constants: s.constants,
    table,
    map: s.map,
    sessions: s.sessions.set(textOfSession(session), entry),
    horizons: s.horizons,
    bounds: s.bounds,
    counts: { stamp, opened: s.counts.opened },
    peers: s.peers,
    unacked: s.unacked,
    moves: s.moves,
    shards: s.shards,
  };
};

/** The state with these horizons, without the sessions that are expired by them. */
export const withHorizons = (s: HostState, horizons: readonly number[]): HostState => ({
  ...s,
  horizons,
  sessions: s.sessions.withMutations((draft) => {
    for (const [text, { session }] of s.sessions) if (isExpired(horizons, session)) draft.delete(text);
  }),
});

/** The records of either list from `floor` on, ascending; `mine` where both have one. */
const mergedRecords = (
  mine: readonly WriteRecord[],
  told: readonly WriteRecord[],
  floor: number,
): readonly WriteRecord[] => {
  const bySeqno = new Map<number, WriteRecord>();
  for (const record of [...told, ...mine]) if (record.seqno >= floor) bySeqno.set(record.seqno, record);
  return [...bySeqno.values()].sort((a, b) => a.seqno - b.seqno);
};

const learnedSession = (s: HostState, told: Knowledge): HostState => {
  if (isExpired(s.horizons, told.session)) return s;
  const mine = s.sessions.get(textOfSession(told.session));
  const floor = Math.max(mine?.floor ?? 0, told.floor);
  const next = Math.max(mine?.next ?? 0, told.next);
  const records = mergedRecords(mine?.records ?? [], told.records, floor);
  // Where both lists have a seqno, the record is mine: equal seqnos are equal records.
  const same =
    mine !== undefined &&
    floor === mine.floor &&
    next === mine.next &&
    records.length === mine.records.length &&
    records.every((record, i) => record.seqno === mine.records[i]?.seqno);
  return same ? s : stored(s, { session: told.session, floor, next, records });
};

/** What a host knows after it was told this. */
export const learned = (s: HostState, horizons: readonly number[], sessions: readonly Knowledge[]): HostState => {
  const highest = s.horizons.map((mine, i) => Math.max(mine, horizons[i] ?? 0));
  const grew = highest.some((horizon, i) => horizon !== s.horizons[i]);
  return sessions.reduce(learnedSession, grew ? withHorizons(s, highest) : s);
};

/** The sessions that changed since the peer was last told, the oldest change first. */
export const newsFor = (s: HostState, told: number): readonly SessionEntry[] => {
  // Nothing changed since: the usual case in a long move, which then need not look at any session.
  if (told === s.counts.stamp) return [];
  const news: SessionEntry[] = [];
  for (const entry of s.sessions.values()) if (entry.stamp > told) news.push(entry);
  return news.sort((a, b) => a.stamp - b.stamp);
};

/** As a message tells it. */
export const knowledgeOf = ({ session, floor, next, records }: SessionEntry): Knowledge => ({
  session,
  floor,
  next,
  records,
});

/** `undefined` unless there are too many sessions. */
export const expired = (s: HostState): Effect | undefined => {
  if (s.sessions.size <= s.constants.configuration.parameters.sessionsMax) return undefined;
  const numbers = s.horizons.map((): number[] => []);
  for (const { session } of s.sessions.values()) numbers[openerOf(session)]?.push(session.number);
  let opener = 0;
  for (const [i, ofOpener] of numbers.entries()) if (ofOpener.length > (numbers[opener]?.length ?? 0)) opener = i;
  const sorted = (numbers[opener] ?? []).sort((a, b) => a - b);
  const dropped = Math.max(1, Math.floor(sorted.length / 8));
  const horizon = successor(sorted[dropped - 1] as number);
  const state = withHorizons(
    s,
    s.horizons.map((h, i) => (i === opener ? horizon : h)),
  );
  return { state, sends: [] };
};
