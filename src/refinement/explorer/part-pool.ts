/**
 * Parts that many states share, each kept once (hash consing, after Ershov, 1958): equal values become one object, whose
 * fingerprint is computed once. With it a model of hosts and packets costs per state what its few parts cost to look up.
 */
import { Fingerprint } from './fingerprint.js';

/** A value of a pool; equal values of one pool are one part. `hi` and `lo`: its fingerprint, the same in every thread. */
export interface Part<T> {
  readonly value: T;
  readonly hi: number;
  readonly lo: number;
}

/** Parts by value. `T` is a value as states hold it (`Fingerprint`). */
export class PartPool<T extends object> {
  readonly #byIdentity = new Map<T, Part<T>>();
  readonly #byFingerprint = new Map<string, Part<T>>();
  readonly #fingerprint = new Fingerprint();

  get size(): number {
    return this.#byIdentity.size;
  }

  /** The part that equals `value`: `value` itself where it is the first of its kind. Throws `UnsupportedValue`. */
  of(value: T): Part<T> {
    return this.#byIdentity.get(value) ?? this.#byValue(value);
  }

  #byValue(value: T): Part<T> {
    this.#fingerprint.fresh(value);
    const { hi, lo } = this.#fingerprint;
    const key = `${hi} ${lo}`;
    const known = this.#byFingerprint.get(key);
    if (known !== undefined) return known;
    const part = { value, hi, lo };
    this.#byFingerprint.set(key, part);
    this.#byIdentity.set(value, part);
    return part;
  }

  /** Whether the part is still what it was when it was entered: nothing changed it in place. */
  isIntact({ value, hi, lo }: Part<T>): boolean {
    this.#fingerprint.fresh(value);
    return this.#fingerprint.hi === hi && this.#fingerprint.lo === lo;
  }
}
