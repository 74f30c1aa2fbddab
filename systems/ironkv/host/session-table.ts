/** What a host knows of sessions: which writes were executed, by itself or by others, and what is told to peers of them. */
import { successor } from '../../../src/spec/nat.js';
import { hostsMax, type Knowledge, opensMax, type Session, textOfSession, type WriteRecord } from '../messages.js';
import { expireAction } from './action.js';
import type { Cluster } from './cluster.js';
import { addRecord, dropBelow } from './records.js';
import type { StepScope } from './step-scope.js';

/** One session. `next` is one more than the highest seqno executed as ordered; 0: none. */
export interface SessionEntry {
  readonly session: Session;
  floor: number;
  next: number;
  readonly records: WriteRecord[];
  /** The host's count of changes at the last change of this entry; 0 once it was dropped. */
  stamp: number;
}

/** Stores that the log may hold beyond two for each session before it is made short again. */
const logSlack = 1024;

/** Of a session the host with this index gave the number. */
const openerOf = ({ number }: Session): number => number % hostsMax;

/** The sessions, the horizons and the stamp of a host. */
export class SessionTable {
  /** By `textOfSession`. */
  readonly entries = new Map<string, SessionEntry>();
  /** By opener's index: its sessions with a number below are expired. */
  readonly horizons: number[];
  /** By opener's index: its sessions with a count below are announced. A count is a number without the opener's index. */
  readonly bounds: number[];
  stamp = 0;
  /** The counts below were given out, or had expired. */
  opened = 0;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  // What was stored, in order of stamps. An item counts while its entry still has its stamp.
  #logStamps: number[] = [];
  #logEntries: SessionEntry[] = [];

  constructor(cluster: Cluster, scope: StepScope) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.horizons = cluster.hosts.map(() => 0);
    this.bounds = cluster.hosts.map(() => cluster.parameters.sessionsAnnounced);
  }

  /** A session that nobody has, and that is not expired; `undefined` once all numbers are used up. */
  open(nonce: number): Session | undefined {
    const { myIndex, parameters } = this.#cluster;
    const horizon = this.horizons[myIndex] as number;
    let count = Math.max(this.opened, Math.floor(horizon / hostsMax));
    if (count * hostsMax + myIndex < horizon) count++;
    if (count >= opensMax) return undefined;
    const left = (this.bounds[myIndex] as number) - count;
    // Early, so that the announcement is at the peers before its sessions are used.
    if (left <= Math.floor(parameters.sessionsAnnounced / 2)) {
      this.bounds[myIndex] = count + parameters.sessionsAnnounced;
      this.#scope.touch('bounds');
    }
    this.opened = successor(count);
    this.#scope.touch('counts');
    return { number: count * hostsMax + myIndex, nonce };
  }

  /** Whether the session may be used here: what its opener did not announce may be invented. */
  isAnnounced({ number }: Session): boolean {
    const bound = this.bounds[number % hostsMax];
    return bound !== undefined && number < bound * hostsMax;
  }

  /** The host at `index` announces its sessions up to `bound`, and says which of this host's are expired. */
  hear(index: number, bound: number, horizon: number): void {
    const { myIndex } = this.#cluster;
    if (bound > (this.bounds[index] as number)) {
      this.bounds[index] = bound;
      this.#scope.touch('bounds');
    }
    if (horizon <= (this.horizons[myIndex] as number)) return;
    this.horizons[myIndex] = horizon;
    this.#scope.touch('horizons');
    this.#dropExpired();
  }

  /** Whether the session is forgotten with all that it might still ask for; what no host can have opened counts as forgotten. */
  isExpired(session: Session): boolean {
    const horizon = this.horizons[openerOf(session)];
    return horizon === undefined || session.number < horizon;
  }

  /**
   * Stores what an execution leaves behind: the client's floor, the next seqno in order (`undefined`: as it was), and the record of a
   * write. `name` is the session's text, `known` its entry.
   */
  executed(
    name: string,
    known: SessionEntry | undefined,
    knowledge: {
      readonly session: Session;
      readonly floor: number;
      readonly next: number | undefined;
      readonly record: WriteRecord | undefined;
    },
  ): void {
    const { session, floor, next, record } = knowledge;
    const entry = known ?? this.#newEntry(name, session);
    entry.floor = Math.max(entry.floor, floor);
    dropBelow(entry.records, entry.floor);
    if (record !== undefined) addRecord(entry.records, record);
    if (next !== undefined) entry.next = next;
    this.#store(name, entry);
  }

  /** Learns what another host tells: what was executed anywhere was executed. */
  learn(horizons: readonly number[], sessions: readonly Knowledge[]): void {
    let grew = false;
    for (const [opener, mine] of this.horizons.entries()) {
      const told = horizons[opener];
      if (told === undefined || told <= mine) continue;
      this.horizons[opener] = told;
      grew = true;
    }
    if (grew) {
      this.#scope.touch('horizons');
      this.#dropExpired();
    }
    for (const told of sessions) if (!this.isExpired(told.session)) this.#learnSession(told);
  }

  /** The entries with stamps above `stamp`, ascending by stamp; the first `countMax` of them. */
  changedAfter(stamp: number, countMax: number): readonly SessionEntry[] {
    const found: SessionEntry[] = [];
    let i = firstAbove(this.#logStamps, stamp);
    for (; i < this.#logStamps.length && found.length < countMax; i++) {
      const entry = this.#logEntries[i] as SessionEntry;
      if (entry.stamp === this.#logStamps[i]) found.push(entry);
    }
    return found;
  }

  /** Action: let the oldest sessions of the opener with the most of them expire. */
  expire(): boolean {
    if (this.entries.size <= this.#cluster.parameters.sessionsMax) return false;
    this.#scope.record(expireAction);
    const opener = this.#openerOfMost();
    const numbers: number[] = [];
    for (const { session } of this.entries.values()) if (openerOf(session) === opener) numbers.push(session.number);
    numbers.sort((a, b) => a - b);
    const dropped = Math.max(1, Math.floor(numbers.length / 8));
    this.horizons[opener] = successor(numbers[dropped - 1] as number);
    this.#scope.touch('horizons');
    this.#dropExpired();
    return true;
  }

  #learnSession(told: Knowledge): void {
    const name = textOfSession(told.session);
    const known = this.entries.get(name);
    const entry = known ?? this.#newEntry(name, told.session);
    let changed = known === undefined || told.floor > entry.floor || told.next > entry.next;
    entry.floor = Math.max(entry.floor, told.floor);
    entry.next = Math.max(entry.next, told.next);
    dropBelow(entry.records, entry.floor);
    for (const record of told.records) {
      if (record.seqno >= entry.floor && addRecord(entry.records, record)) changed = true;
    }
    if (changed) this.#store(name, entry);
  }

  #newEntry(name: string, session: Session): SessionEntry {
    const entry: SessionEntry = { session, floor: 0, next: 0, records: [], stamp: 0 };
    this.entries.set(name, entry);
    return entry;
  }

  #store(name: string, entry: SessionEntry): void {
    this.stamp = successor(this.stamp);
    entry.stamp = this.stamp;
    this.#logStamps.push(this.stamp);
    this.#logEntries.push(entry);
    if (this.#logStamps.length > 2 * this.entries.size + logSlack) this.#shortenLog();
    this.#scope.touch('counts');
    this.#scope.touchAt('sessions', name);
  }

  #shortenLog(): void {
    const current = this.#logEntries.filter((entry, i) => entry.stamp === this.#logStamps[i]);
    this.#logEntries = current;
    this.#logStamps = current.map((entry) => entry.stamp);
  }

  // The lowest of several.
  #openerOfMost(): number {
    const counts = this.horizons.map(() => 0);
    for (const { session } of this.entries.values()) {
      const opener = openerOf(session);
      counts[opener] = (counts[opener] as number) + 1;
    }
    return counts.indexOf(counts.reduce((most, count) => Math.max(most, count)));
  }

  #dropExpired(): void {
    for (const [name, entry] of this.entries) {
      if (!this.isExpired(entry.session)) continue;
      this.entries.delete(name);
      entry.stamp = 0;
      this.#scope.touchAt('sessions', name);
    }
  }
}

const firstAbove = (ascending: readonly number[], bound: number): number => {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** What a message tells of an entry: a copy, since the entry goes on changing. */
export const knowledgeOf = ({ session, floor, next, records }: SessionEntry): Knowledge => ({
  session,
  floor,
  next,
  records: records.slice(),
});
