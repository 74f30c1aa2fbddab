/**
 * The ghost journal of a node: what its last steps received and sent, as bytes (IronFleet, SOSP 2015, section 3.4). It
 * influences no step; the judge and the trace of a violation are made from it.
 */
import type { StepRecord } from './step-io.js';

/** The last steps of a node, in a bounded window. */
export class Journal<W> {
  readonly #ring: StepRecord<W>[] = [];
  readonly #stepsMax: number;
  #appended = 0;

  /** Keeps the last `stepsMax` steps. */
  constructor(stepsMax: number) {
    if (!Number.isSafeInteger(stepsMax) || stepsMax < 1) throw new RangeError('a journal keeps at least one step');
    this.#stepsMax = stepsMax;
  }

  /** Steps that were appended in this incarnation, kept or not. */
  get appended(): number {
    return this.#appended;
  }

  /** Keeps `record`, which must not change afterwards, and forgets the oldest where the window is full. */
  append(record: StepRecord<W>): void {
    this.#ring[this.#appended % this.#stepsMax] = record;
    this.#appended++;
  }

  /** The kept steps, oldest first: a copy of the window, sharing the records. */
  window(): readonly StepRecord<W>[] {
    const oldest = this.#appended % this.#stepsMax;
    if (this.#appended <= this.#stepsMax) return this.#ring.slice();
    return [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
  }
}
