/**
 * The ghost journal of a node: what its last steps received and sent, as bytes (IronFleet, SOSP 2015, section 3.4). It
 * influences no step; the judge and the trace of a violation are made from it.
 */
import type { StepRecord } from './step-io.js';

/** The bytes of messages in a step's record: what keeping it costs. A broadcast counts once for each target. */
export const bytesOfStep = ({ events }: StepRecord<unknown>): number => {
  let bytes = 0;
  for (const event of events) if ('bytes' in event) bytes += event.bytes.length;
  return bytes;
};

/** What is kept of the last steps, in a window that is bounded in number and in bytes. */
export class StepWindow<T> {
  // Two arrays, and no object for each item. The first ones would survive, so V8 would make all later ones among the old objects; and
  // there each one that is dropped keeps its item, with all that it refers to, until the next full collection.
  readonly #items: T[] = [];
  readonly #bytesOfItems: number[] = [];
  readonly #stepsMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  /** Keeps the last `stepsMax` items, or fewer where their steps have more than `bytesMax` bytes; never less than the last. */
  constructor(stepsMax: number, bytesMax = Infinity) {
    if (!Number.isSafeInteger(stepsMax) || stepsMax < 1) throw new RangeError('a window keeps at least one step');
    this.#stepsMax = stepsMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Keeps `item`, whose step has `bytes` bytes, and forgets the oldest where the window is full. */
  append(item: T, bytes: number): void {
    this.#items.push(item);
    this.#bytesOfItems.push(bytes);
    this.#bytes += bytes;
    while (this.#items.length > this.#stepsMax || (this.#bytes > this.#bytesMax && this.#items.length > 1)) {
      this.#items.shift();
      this.#bytes -= this.#bytesOfItems.shift() ?? 0;
    }
  }

  /** The `count`-th last item, from 1 on. */
  last(count: number): T | undefined {
    return this.#items.at(-count);
  }

  /** The kept items, oldest first; an array of the caller's own. */
  all(): readonly T[] {
    return this.#items.slice();
  }
}

/** The last steps of a node. */
export class Journal<W> {
  readonly #steps: StepWindow<StepRecord<W>>;
  #appended = 0;

  /** Keeps the last `stepsMax` steps, or fewer where they have more than `bytesMax` bytes. */
  constructor(stepsMax: number, bytesMax?: number) {
    this.#steps = new StepWindow(stepsMax, bytesMax);
  }

  /** Steps that were appended in this incarnation, kept or not. */
  get appended(): number {
    return this.#appended;
  }

  /** Keeps `record`, which must not change afterwards, and forgets the oldest where the window is full. */
  append(record: StepRecord<W>): void {
    this.#steps.append(record, bytesOfStep(record));
    this.#appended++;
  }

  /** The kept steps, oldest first: a copy of the window, sharing the records. */
  window(): readonly StepRecord<W>[] {
    return this.#steps.all();
  }
}
