/**
 * Who has which keys, from what all hosts say of themselves: parts of a range by owner, moves under way, keys that nobody serves, and
 * keys that two hosts claim. Observations, on which nothing rests.
 */
import { bytesOfKey, textOfKey } from '../commands.js';
import type { MoveStatus } from '../messages.js';
import type { HostStatus } from './status.js';

/** Keys from `lo` up to `hi` (null: to the end). */
export interface KeyRange {
  readonly lo: Uint8Array;
  readonly hi: Uint8Array | null;
}

/** A range that several hosts say is their own. */
export interface ContestedRange extends KeyRange {
  /** Indices of hosts, ascending. */
  readonly hosts: readonly number[];
}

/** What is wrong with who has which keys. Ranges ascend. */
export interface Coverage {
  /** No host that answers owns them, and none has them on their way to a host that answers. */
  readonly unserved: readonly KeyRange[];
  readonly contested: readonly ContestedRange[];
}

/** A move, and whether the host answers that is to have the range: what was handed over to one that does not waits for it. */
export interface MoveUnderWay extends Pick<MoveStatus, 'next' | 'hi' | 'recipient'> {
  /** The index of the host that gives the range away. */
  readonly from: number;
  readonly recipientAnswers: boolean;
}

/** A part of a range that one host owns, its bounds as texts of keys. */
export interface OwnedPart {
  /** The index of the host. */
  readonly owner: number;
  readonly lo: string;
  readonly hi: string | null;
}

const textOfBound = (bound: Uint8Array | null): string | null => (bound === null ? null : textOfKey(bound));

const bytesOfBound = (bound: string | null): Uint8Array | null => (bound === null ? null : bytesOfKey(bound));

const isBelow = (lo: string, hi: string | null): boolean => hi === null || lo < hi;

const lower = (a: string | null, b: string | null): string | null => {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
};

/** The parts of `[lo, hi)` that hosts say are their own, ascending. */
export const ownedParts = (statuses: readonly HostStatus[], lo: string, hi: string | null): readonly OwnedPart[] => {
  const parts: OwnedPart[] = [];
  for (const [owner, { answer }] of statuses.entries()) {
    for (const range of answer?.ranges ?? []) {
      if (range.load === null) continue;
      const from = textOfKey(range.lo);
      const part = { owner, lo: from > lo ? from : lo, hi: lower(textOfBound(range.hi), hi) };
      if (isBelow(part.lo, part.hi)) parts.push(part);
    }
  }
  return parts.sort((a, b) => (a.lo < b.lo ? -1 : 1));
};

/** Whether `parts`, ascending, cover `[lo, hi)`. */
export const covers = (parts: readonly OwnedPart[], lo: string, hi: string | null): boolean => {
  let at: string | null = lo;
  for (const part of parts) {
    if (at === null || part.lo > at) break;
    if (part.hi === null || part.hi > at) at = part.hi;
  }
  return at === null || (hi !== null && at >= hi);
};

/** The indices of the hosts that did not answer. */
export const silentHosts = (statuses: readonly HostStatus[]): readonly number[] =>
  statuses.flatMap(({ answer }, host) => (answer === undefined ? [host] : []));

/** The moves that hosts say are under way, by host. */
export const movesUnderWay = (statuses: readonly HostStatus[]): readonly MoveUnderWay[] =>
  statuses.flatMap(({ answer }, from) =>
    (answer?.moves ?? []).map(({ next, hi, recipient }) => {
      const recipientAnswers = statuses[recipient]?.answer !== undefined;
      return { from, next, hi, recipient, recipientAnswers };
    }),
  );

/** Keys of which one look says that a host claims them, or (`host` null) that they may be on their way. */
interface Span {
  readonly look: number;
  readonly host: number | null;
  readonly lo: string;
  readonly hi: string | null;
}

/**
 * What hosts may have handed over that the recipient has not taken yet: the range below what is left of the move that the host
 * believes to be the recipient's.
 */
const underWaySpans = (statuses: readonly HostStatus[], look: number): readonly Span[] =>
  movesUnderWay(statuses).flatMap(({ from, next, hi: end, recipient, recipientAnswers }): readonly Span[] => {
    if (!recipientAnswers) return [];
    const hi = textOfBound(next ?? end);
    for (const range of statuses[from]?.answer?.ranges ?? []) {
      if (range.host !== recipient || range.load !== null) continue;
      const [lo, upTo] = [textOfKey(range.lo), textOfBound(range.hi)];
      if (isBelow(lo, hi) && lower(upTo, hi) === hi) return [{ look, host: null, lo, hi }];
    }
    return [];
  });

const claimSpans = (statuses: readonly HostStatus[], look: number): readonly Span[] =>
  ownedParts(statuses, '', null).map(({ owner, lo, hi }) => ({ look, host: owner, lo, hi }));

/** What is said of the keys between two neighbouring bounds. */
type Finding = 'unserved' | readonly number[] | undefined;

const isContested = (finding: Finding): finding is readonly number[] => typeof finding === 'object';

/** What every look says: a range that was on its way while hosts were asked looks wrong in one of them only. */
const findingOf = (spans: ReadonlySet<Span>, looks: number): Finding => {
  const said = Array.from({ length: looks }, () => new Set<number | null>());
  for (const { look, host } of spans) said[look]?.add(host);
  if (said.every((hosts) => hosts.size === 0)) return 'unserved';
  const [first, ...others] = said;
  const claimants = [...(first ?? [])].filter((host): host is number => host !== null);
  const always = claimants.filter((host) => others.every((hosts) => hosts.has(host)));
  return always.length > 1 ? always.sort((a, b) => a - b) : undefined;
};

const isSame = (a: Finding, b: Finding): boolean =>
  isContested(a) && isContested(b) ? a.join() === b.join() : a === b;

/** The spans that begin and end at each bound, by the bound. */
const boundsOf = (spans: readonly Span[]) => {
  const bounds = new Map<string, { readonly begin: Span[]; readonly end: Span[] }>();
  const at = (bound: string) => {
    const found = bounds.get(bound) ?? { begin: [], end: [] };
    bounds.set(bound, found);
    return found;
  };
  at('');
  for (const span of spans) {
    at(span.lo).begin.push(span);
    if (span.hi !== null) at(span.hi).end.push(span);
  }
  return [...bounds].sort(([a], [b]) => (a < b ? -1 : 1));
};

/**
 * What is wrong in each of `looks`, which are one or more times what all hosts said, and in the same place. Answers are not of one
 * moment, so that a single look may take a range that was on its way for one that nobody or that two hosts have.
 */
export const coverageOf = (looks: readonly (readonly HostStatus[])[]): Coverage => {
  const spans = looks.flatMap((look, i) => [...claimSpans(look, i), ...underWaySpans(look, i)]);
  const current = new Set<Span>();
  const found: { lo: string; hi: string | null; finding: Finding }[] = [];
  for (const [bound, { begin, end }] of boundsOf(spans)) {
    for (const span of end) current.delete(span);
    for (const span of begin) current.add(span);
    const finding = findingOf(current, looks.length);
    const last = found.at(-1);
    if (last !== undefined && isSame(last.finding, finding)) continue;
    if (last !== undefined) last.hi = bound;
    found.push({ lo: bound, hi: null, finding });
  }
  const rangeOf = ({ lo, hi }: { lo: string; hi: string | null }): KeyRange => ({
    lo: bytesOfKey(lo),
    hi: bytesOfBound(hi),
  });
  return {
    unserved: found.filter(({ finding }) => finding === 'unserved').map(rangeOf),
    contested: found.flatMap((f) => (isContested(f.finding) ? [{ ...rangeOf(f), hosts: f.finding }] : [])),
  };
};
