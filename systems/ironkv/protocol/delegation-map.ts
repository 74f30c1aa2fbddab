/**
 * The finite form of the delegation map: sorted bounds and their owners (README.md, "A host's state"; IronFleet, SOSP 2015,
 * section 5.2.2). Keys are texts (`textOfKey`); a bound of null is beyond every key.
 */

/** From `lo` up to the next entry's `lo`, every key belongs to the host with index `host`. */
export interface MapEntry {
  readonly lo: string;
  readonly host: number;
}

/** A delegation map: the first `lo` is empty, they ascend, and no two neighbours name one host. */
export type DelegationMap = readonly MapEntry[];

/** The keys from `lo` up to `hi`. */
export interface KeyRange {
  readonly lo: string;
  readonly hi: string | null;
}

/** The map of a cluster at the start: the first host owns everything. */
export const initialMap: DelegationMap = [{ lo: '', host: 0 }];

/** The position of the entry in which `key` lies. */
export const positionOf = (map: DelegationMap, key: string): number => {
  let low = 0;
  let high = map.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((map[middle] as MapEntry).lo <= key) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** The owner of `key`. */
export const ownerOf = (map: DelegationMap, key: string): number => (map[positionOf(map, key)] as MapEntry).host;

/** The range of the entry at `position`. */
export const rangeAt = (map: DelegationMap, position: number): KeyRange => ({
  lo: (map[position] as MapEntry).lo,
  hi: map[position + 1]?.lo ?? null,
});

/** Whether `bound`, an upper one, is above `key`. */
export const isAbove = (bound: string | null, key: string): boolean => bound === null || key < bound;

/** Whether all keys of the range, which is not empty, belong to `host`. No two neighbours name one host, so it lies in one entry. */
export const ownsAll = (map: DelegationMap, { lo, hi }: KeyRange, host: number): boolean => {
  const position = positionOf(map, lo);
  if ((map[position] as MapEntry).host !== host) return false;
  const end = rangeAt(map, position).hi;
  return end === null || (hi !== null && hi <= end);
};

/** Whether some key of the range, which is not empty, belongs to `host`. Costs the entries that the range meets. */
export const ownsSome = (map: DelegationMap, { lo, hi }: KeyRange, host: number): boolean => {
  for (let position = positionOf(map, lo); position < map.length; position++) {
    const entry = map[position] as MapEntry;
    if (!isAbove(hi, entry.lo)) return false;
    if (entry.host === host) return true;
  }
  return false;
};

/** Whether two ranges, neither of them empty, have a key in common. */
export const meet = (a: KeyRange, b: KeyRange): boolean => isAbove(b.hi, a.lo) && isAbove(a.hi, b.lo);

/** The map that gives the range, which is not empty, to `host`, and is otherwise the same. */
export const given = (map: DelegationMap, { lo, hi }: KeyRange, host: number): DelegationMap => {
  const first = positionOf(map, lo);
  const last = hi === null ? map.length : positionOf(map, hi);
  const before = map.slice(0, (map[first] as MapEntry).lo < lo ? first + 1 : first);
  const after = map.slice(last);
  const next: MapEntry[] = [...before];
  const append = (entry: MapEntry): void => {
    if (next.at(-1)?.host !== entry.host) next.push(entry);
  };
  append({ lo, host });
  const [head, ...rest] = after;
  // Of the entry that reaches across `hi`, what is above stays with its owner.
  if (hi !== null && head !== undefined) append({ lo: hi, host: head.host });
  for (const entry of rest) append(entry);
  return next;
};
