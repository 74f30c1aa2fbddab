/** What clients were told, and what must therefore be found in the service at the end. */

interface Counter {
  acknowledged: number;
  unknown: number;
}

interface Written {
  /** The last value that was acknowledged; 0 for none. */
  acknowledged: number;
  /** The last value that was sent. */
  sent: number;
}

/** A key whose value contradicts what a client was told. */
export interface Contradiction {
  readonly key: string;
  readonly found: number;
  readonly atLeast: number;
  readonly atMost: number;
}

/** Counts increments of shared keys, and writes of keys with one writer each, whose values grow. */
export class Ledger {
  readonly #counters = new Map<string, Counter>();
  readonly #written = new Map<string, Written>();
  #acknowledged = 0;
  #unknown = 0;

  /** Requests that were answered. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Requests of which nobody knows whether they were executed. */
  get unknown(): number {
    return this.#unknown;
  }

  /** The outcome of one increment of `key`. */
  incremented(key: string, known: boolean): void {
    const counter = this.#counters.get(key) ?? { acknowledged: 0, unknown: 0 };
    this.#counters.set(key, counter);
    if (known) counter.acknowledged++;
    else counter.unknown++;
    this.#tally(known);
  }

  /** The outcome of writing `value`, larger than all before, under `key`. */
  wrote(key: string, value: number, known: boolean): void {
    const written = this.#written.get(key) ?? { acknowledged: 0, sent: 0 };
    this.#written.set(key, written);
    written.sent = value;
    if (known) written.acknowledged = value;
    this.#tally(known);
  }

  /** Every key that was used. */
  keys(): readonly string[] {
    return [...this.#counters.keys(), ...this.#written.keys()];
  }

  /** Compares the number found under `key` (0 where it holds nothing) with what clients were told. */
  contradiction(key: string, found: number): Contradiction | undefined {
    const [atLeast, atMost] = this.#bounds(key);
    return found >= atLeast && found <= atMost ? undefined : { key, found, atLeast, atMost };
  }

  /** How many acknowledged requests a contradiction shows to be lost. */
  lost({ key, found, atLeast }: Contradiction): number {
    if (found >= atLeast) return 0;
    return this.#counters.has(key) ? atLeast - found : 1;
  }

  #bounds(key: string): readonly [number, number] {
    const counter = this.#counters.get(key);
    if (counter !== undefined) return [counter.acknowledged, counter.acknowledged + counter.unknown];
    const written = this.#written.get(key);
    return [written?.acknowledged ?? 0, written?.sent ?? 0];
  }

  #tally(known: boolean): void {
    if (known) this.#acknowledged++;
    else this.#unknown++;
  }
}
