/**
 * The table of a host: values by key text, in order of keys. Keys and values lie in sorted chunks, the leaves of a B-tree
 * with one level above them (Bayer and McCreight, 1972), and nowhere else: a hash table beside them would stop the host
 * while it grows, for a fifth of a second at a million keys. Looking up costs two binary searches; a new or deleted key
 * moves at most one chunk, and seldom the list of chunks; a range costs what it yields.
 */

/** Keys of a chunk, at most. A full one is cut in two. */
const chunkKeysMax = 256;

/** Neighbours with no more than this in sum are joined, so that deletions leave no crumbs. */
const chunkKeysMin = 64;

interface Chunk {
  /** Ascending; never empty but in the only chunk of an empty table. */
  readonly keys: string[];
  readonly values: Uint8Array[];
  /** Of all keys and values in sum. */
  bytes: number;
}

/** Keys, and bytes of keys and values, of a range. */
export interface Weight {
  readonly keys: number;
  readonly bytes: number;
}

/** The first position of ascending `texts` whose text is not below `text`. */
export const lowerBound = (texts: readonly string[], text: string): number => {
  let low = 0;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((texts[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The last position of ascending `texts` whose text is at or below `text`; -1 where all are above. */
export const floorPosition = (texts: readonly string[], text: string): number => {
  let low = 0;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((texts[middle] as string) <= text) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** A mutable ordered map. It keeps the texts and the values that it is given: who sets a view keeps all that it is a view of. */
export class OrderedTable implements ReadonlyMap<string, Uint8Array> {
  readonly #chunks: Chunk[] = [{ keys: [], values: [], bytes: 0 }];
  /** A lower bound of each chunk's keys, above all keys of the chunk before: the first of all is the empty text. */
  readonly #los: string[] = [''];
  #size = 0;
  #longest = 0;

  get size(): number {
    return this.#size;
  }

  /** No value is longer. The longest value that there ever was. */
  get longest(): number {
    return this.#longest;
  }

  get(key: string): Uint8Array | undefined {
    const { keys, values } = this.#chunks[floorPosition(this.#los, key)] as Chunk;
    const at = lowerBound(keys, key);
    return keys[at] === key ? values[at] : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Sets the value at `key`. Where the key was present nothing moves. */
  set(key: string, value: Uint8Array): void {
    if (value.length > this.#longest) this.#longest = value.length;
    const c = floorPosition(this.#los, key);
    const chunk = this.#chunks[c] as Chunk;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) {
      chunk.bytes += value.length - (chunk.values[at] as Uint8Array).length;
      chunk.values[at] = value;
      return;
    }
    this.#size++;
    if (chunk.keys.length === chunkKeysMax) this.#insertIntoFull(c, at, key, value);
    else insertAt(chunk, at, key, value);
  }

  /** Says whether `key` was present. */
  delete(key: string): boolean {
    const c = floorPosition(this.#los, key);
    const chunk = this.#chunks[c] as Chunk;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return false;
    chunk.bytes -= key.length + (chunk.values[at] as Uint8Array).length;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    this.#joinWithNext(c);
    if (c > 0) this.#joinWithNext(c - 1);
    return true;
  }

  /** The entries from `lo` on, ascending. Not to be used any more once the table has changed. */
  *from(lo: string): Generator<[string, Uint8Array], undefined> {
    let c = floorPosition(this.#los, lo);
    let at = lowerBound((this.#chunks[c] as Chunk).keys, lo);
    for (; c < this.#chunks.length; c++) {
      const { keys, values } = this.#chunks[c] as Chunk;
      for (; at < keys.length; at++) yield [keys[at] as string, values[at] as Uint8Array];
      at = 0;
    }
    return undefined;
  }

  /** The weight of the keys from `lo` up to `hi` (null: to the end). Costs the number of chunks in the range, and two chunks. */
  weigh(lo: string, hi: string | null): Weight {
    const first = floorPosition(this.#los, lo);
    const last = hi === null ? this.#chunks.length - 1 : floorPosition(this.#los, hi);
    let keys = 0;
    let bytes = 0;
    for (let c = first; c <= last; c++) {
      const chunk = this.#chunks[c] as Chunk;
      const from = c === first ? lowerBound(chunk.keys, lo) : 0;
      const to = c === last && hi !== null ? lowerBound(chunk.keys, hi) : chunk.keys.length;
      keys += Math.max(0, to - from);
      bytes += from === 0 && to === chunk.keys.length ? chunk.bytes : bytesBetween(chunk, from, to);
    }
    return { keys, bytes };
  }

  *keys(): Generator<string, undefined> {
    for (const { keys } of this.#chunks) yield* keys;
    return undefined;
  }

  *values(): Generator<Uint8Array, undefined> {
    for (const { values } of this.#chunks) yield* values;
    return undefined;
  }

  entries(): Generator<[string, Uint8Array], undefined> {
    return this.from('');
  }

  [Symbol.iterator](): Generator<[string, Uint8Array], undefined> {
    return this.from('');
  }

  forEach(visit: (value: Uint8Array, key: string, map: ReadonlyMap<string, Uint8Array>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  #insertIntoFull(c: number, at: number, key: string, value: Uint8Array): void {
    const chunk = this.#chunks[c] as Chunk;
    // Keys that come in order fill chunks to the brim: what is put behind a full one starts a new one.
    const cut = at === chunkKeysMax ? at : chunkKeysMax / 2;
    const upper: Chunk = { keys: chunk.keys.splice(cut), values: chunk.values.splice(cut), bytes: 0 };
    upper.bytes = bytesBetween(upper, 0, upper.keys.length);
    chunk.bytes -= upper.bytes;
    if (at < cut) insertAt(chunk, at, key, value);
    else insertAt(upper, at - cut, key, value);
    this.#chunks.splice(c + 1, 0, upper);
    this.#los.splice(c + 1, 0, upper.keys[0] as string);
  }

  #joinWithNext(c: number): void {
    const chunk = this.#chunks[c] as Chunk;
    const next = this.#chunks[c + 1];
    if (next === undefined) return;
    const { length } = chunk.keys;
    // An empty chunk goes whatever stands behind it; for others the sum must leave room for what comes.
    if (length > 0 && next.keys.length > 0 && length + next.keys.length > chunkKeysMin) return;
    for (const key of next.keys) chunk.keys.push(key);
    for (const value of next.values) chunk.values.push(value);
    chunk.bytes += next.bytes;
    this.#chunks.splice(c + 1, 1);
    this.#los.splice(c + 1, 1);
  }
}

const insertAt = (chunk: Chunk, at: number, key: string, value: Uint8Array): void => {
  chunk.keys.splice(at, 0, key);
  chunk.values.splice(at, 0, value);
  chunk.bytes += key.length + value.length;
};

const bytesBetween = ({ keys, values }: Chunk, from: number, to: number): number => {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += (keys[i] as string).length + (values[i] as Uint8Array).length;
  return bytes;
};
