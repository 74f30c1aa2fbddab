/** The operations of unknown outcome in a search: which are placed, and which may be next. */
import { setBit } from './bits.js';

/** Of operations that do the same, the one called first is placed first: the others' orders would tell nothing new. */
export class OpenOperations {
  /** The placed ones, a bit each; what configurations are compared by. */
  readonly bits: Int32Array;
  /** How many of each list in `alike` are placed. */
  readonly #used: Int32Array;
  readonly #alike: readonly (readonly number[])[];
  readonly #alikeOf: Int32Array;
  readonly #answered: number;

  /** Numbers from `answered` to below `total`, each in one list of `alike`. */
  constructor(answered: number, total: number, alike: readonly (readonly number[])[]) {
    this.#answered = answered;
    this.#alike = alike;
    this.bits = new Int32Array((total - answered + 31) >>> 5);
    this.#used = new Int32Array(alike.length);
    this.#alikeOf = new Int32Array(total - answered);
    for (const [i, list] of alike.entries()) for (const n of list) this.#alikeOf[n - answered] = i;
  }

  /** Of those that do the same the first one left. */
  *next(): Iterable<number> {
    for (let i = 0; i < this.#alike.length; i++) {
      const n = this.#alike[i]?.[this.#used[i] as number];
      if (n !== undefined) yield n;
    }
  }

  place(n: number): void {
    this.#set(n, 1);
  }

  takeBack(n: number): void {
    this.#set(n, -1);
  }

  #set(n: number, by: 1 | -1): void {
    const at = n - this.#answered;
    setBit(this.bits, at, by === 1);
    const list = this.#alikeOf[at] as number;
    this.#used[list] = (this.#used[list] as number) + by;
  }
}
