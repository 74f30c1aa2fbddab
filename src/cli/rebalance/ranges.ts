/** The ranges of a cluster of IronKV and their load, for people and programs. */
import { E } from '../../spec/prelude.js';
import { keyText } from '../client/kv.js';
import type { ClusterConfig } from '../config.js';
import { UsageError } from '../outcome.js';
import { kv, kvClientOptions } from '../systems.js';
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
}

/** What the hosts say of themselves. */
export interface ShownRanges {
  readonly ranges: readonly ShownRange[];
  readonly moves: readonly ShownMove[];
}

const boundText = (key: Uint8Array | null): string | null => (key === null ? null : keyText(key));

/** The ranges of the hosts that answer in time, ascending. Throws a `UsageError` where no socket can be opened. */
export const kvRanges = async (config: ClusterConfig, timeoutMs: number): Promise<ShownRanges> => {
  const statuses = await kv.askStatus(kvClientOptions(config), timeoutMs);
  if (E.isLeft(statuses)) throw new UsageError(`No socket can be opened to ask from: ${statuses.left}.`);
  const idOf = (host: number): string => config.nodes[host]?.id ?? String(host);
  const owned = statuses.right.flatMap(({ answer }, host) =>
    (answer?.ranges ?? []).flatMap(({ lo, hi, load }) => (load === null ? [] : [{ lo, hi, host, load }])),
  );
  owned.sort((a, b) => Buffer.compare(a.lo, b.lo));
  return {
    ranges: owned.map(({ lo, hi, host, load: { cuts, ...counts } }) => ({
      lo: keyText(lo),
      hi: boundText(hi),
      host: idOf(host),
      ...counts,
      split: boundText(kv.middleCut(counts.requests, cuts)?.key ?? null),
      cuts: cuts.map(({ key, below }) => ({ key: keyText(key), below })),
    })),
    moves: statuses.right.flatMap(({ answer }, from) =>
      (answer?.moves ?? []).map(({ next, hi, recipient }) => ({
        from: idOf(from),
        to: idOf(recipient),
        next: boundText(next),
        hi: boundText(hi),
      })),
    ),
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
  const under = moves.map(({ from, to, next, hi }) => {
    return [from, to, ...(next === null ? ['all handed over', ''] : shownBounds(next, hi))];
  });
  return `${first}\n${table(['moves from', 'to', 'still from key', 'to key'], under)}`;
};
