/**
 * The memory of values. What a message carries is a view of the message's bytes, of which one kept value would keep all, so the
 * table gets copies. Small ones share slabs: with an `ArrayBuffer` for each of a million values the collector's pauses are several
 * times as long, and a write costs about twice as much. A small value keeps at most one slab alive.
 */

/** Bytes of a slab. */
export const slabBytes = 4096;

/** Bytes of the longest value that lies in a slab: little of one is lost at its end. */
export const slabValueBytesMax = 512;

/** Copies values; one for each host. */
export class ValueStore {
  #slab = new Uint8Array(slabBytes);
  #used = 0;

  /** A copy, which nobody changes. */
  copy(value: Uint8Array): Uint8Array {
    const { length } = value;
    if (length > slabValueBytesMax) return new Uint8Array(value);
    if (this.#used + length > slabBytes) {
      this.#slab = new Uint8Array(slabBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    this.#slab.set(value, start);
    return this.#slab.subarray(start, this.#used);
  }
}
