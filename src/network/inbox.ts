/** The inbox of a node: packets that arrived and wait for a step. Bounded, so that a flood costs packets and not memory. */
import type { Datum } from './step-io.js';

const slotsMin = 64;

/** A bounded first-in first-out queue of packets, with constant cost per packet. */
export class Inbox<M> {
  readonly #capacity: number;
  readonly #bytesMax: number;
  /** A ring; its length is a power of two that grows with need. */
  #slots: (Datum<M> | undefined)[] = new Array<Datum<M> | undefined>(slotsMin).fill(undefined);
  #head = 0;
  #size = 0;
  #bytes = 0;
  #dropped = 0;

  /** Holds at most `capacity` packets, of at most `bytesMax` bytes together (but one packet of any size). */
  constructor(capacity: number, bytesMax: number = 64 * 1024 * 1024) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new RangeError('an inbox holds at least one packet');
    this.#capacity = capacity;
    this.#bytesMax = bytesMax;
  }

  /** Packets that wait. */
  get size(): number {
    return this.#size;
  }

  /** Packets that were refused because the inbox was full, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a packet at the end; `false` (and counted) where the inbox is full. */
  push(datum: Datum<M>): boolean {
    const bytes = this.#bytes + datum.bytes.length;
    if (this.#size >= this.#capacity || (this.#size > 0 && bytes > this.#bytesMax)) {
      this.#dropped++;
      return false;
    }
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = datum;
    this.#size++;
    this.#bytes = bytes;
    return true;
  }

  /** Takes the oldest packet; `undefined` from an empty inbox. */
  shift(): Datum<M> | undefined {
    if (this.#size === 0) return undefined;
    const datum = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    this.#bytes -= datum?.bytes.length ?? 0;
    return datum;
  }

  #grow(): void {
    const old = this.#slots;
    const grown = new Array<Datum<M> | undefined>(old.length * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) grown[i] = old[(this.#head + i) & (old.length - 1)];
    this.#slots = grown;
    this.#head = 0;
  }
}
