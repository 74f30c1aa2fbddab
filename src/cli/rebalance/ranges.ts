/** The ranges of a cluster of IronKV and their load, for people and programs. */
import { keyText } from '../client/kv.js';
import type { ClusterConfig } from '../config.js';
import { kv } from '../systems.js';
import { table } from '../table.js';

/** A range, with the id of its host. */
export interface ShownRange {
  readonly lo: string;
  /** Null: beyond every key. */
  readonly hi: string | null;
  readonly host: string;
  /** Of the last full period. */
  readonly requests: number;
  readonly keys: number;
  readonly bytes: number;
  /** Of `cuts` the one that is nearest to halving the load. */
  readonly split: string | null;
  /** Keys at which it can be cut, each with the requests below it. */
  readonly cuts: readonly { readonly key: string; readonly below: number }[];
}

/** A move under way. */
export interface ShownMove {
  readonly from: string;
  readonly to: string;
  /** The lowest key not handed over; null once all are. */
  readonly next: string | null;
  readonly hi: string | null;
  /** Where it does not, what was handed over waits for it. */
  readonly recipientAnswers: boolean;
}

/** What the hosts say of themselves. */
export interface ShownRanges {
  readonly ranges: readonly ShownRange[];
  readonly moves: readonly ShownMove[];
}

/** A bound as text; null: beyond every key. */
export const boundText = (key: Uint8Array | null): string | null => (key === null ? null : keyText(key));

/** The id of the host with this index. */
export const hostId = ({ nodes }: ClusterConfig, host: number): string => nodes[host]?.id ?? String(host);

/** The ranges of the hosts that answered, ascending, and their moves. */
export const kvRanges = (config: ClusterConfig, statuses: readonly kv.HostStatus[]): ShownRanges => {
  const owned = statuses.flatMap(({ answer }, host) =>
    (answer?.ranges ?? []).flatMap(({ lo, hi, load }) => (load === null ? [] : [{ lo, hi, host, load }])),
  );
  owned.sort((a, b) => Buffer.compare(a.lo, b.lo));
  return {
    ranges: owned.map(({ lo, hi, host, load: { cuts, ...counts } }) => ({
      lo: keyText(lo),
      hi: boundText(hi),
      host: hostId(config, host),
      ...counts,
      split: boundText(kv.middleCut(counts.requests, cuts)?.key ?? null),
      cuts: cuts.map(({ key, below }) => ({ key: keyText(key), below })),
    })),
    moves: kv.movesUnderWay(statuses).map(({ from, recipient, next, hi, recipientAnswers }) => ({
      ...{ from: hostId(config, from), to: hostId(config, recipient) },
      ...{ next: boundText(next), hi: boundText(hi), recipientAnswers },
    })),
  };
};

/** Bounds as tables show them. */
export const shownBounds = (lo: string, hi: string | null): readonly [string, string] => [
  lo === '' ? '(first)' : lo,
  hi === null ? '(end)' : hi,
];

/** As tables. */
export const shownKvRanges = ({ ranges, moves }: ShownRanges): string => {
  const rows = ranges.map(({ lo, hi, host, requests, keys, bytes, split, cuts }) => [
    ...shownBounds(lo, hi),
    ...[host, String(requests), String(keys), String(bytes), split ?? ''],
    split === null ? '' : String(cuts.find(({ key }) => key === split)?.below),
  ]);
  const first = table(['from', 'to', 'host', 'requests', 'keys', 'bytes', 'split', 'below split'], rows);
  if (moves.length === 0) return first;
  const under = moves.map(({ from, to, next, hi, recipientAnswers }) => {
    const left = next === null ? ['all handed over', ''] : shownBounds(next, hi);
    return [from, to, ...left, recipientAnswers ? '' : `${to} does not answer: what was handed over waits for it`];
  });
  return `${first}\n${table(['moves from', 'to', 'still from key', 'to key', ''], under)}`;
};
