/**
 * Copies of values, for the protocol's table. Small ones lie side by side in slabs: an `ArrayBuffer` for each of a million values is a
 * third of the memory of a judge, and work for each collection. The slab that is being filled is the only thing here that changes, in
 * bytes that no value has yet, so that nobody can tell; and no host copies from or into it.
 */

/** Bytes of a slab; a value that is kept keeps at most one alive. */
const slabBytes = 4096;

/** Bytes of the longest value that lies in a slab: little of one is lost at its end. */
const slabValueBytesMax = 512;

let slab = new Uint8Array(slabBytes);
let used = 0;

/** A copy of `value`, which nobody changes. */
export const ownCopy = (value: Uint8Array): Uint8Array => {
  const { length } = value;
  if (length > slabValueBytesMax) return new Uint8Array(value);
  if (used + length > slabBytes) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const start = used;
  used += length;
  slab.set(value, start);
  return slab.subarray(start, used);
};
