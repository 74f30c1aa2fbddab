/**
 * The states seen: their 64-bit keys, and how each was first reached, in typed arrays. A state's number is its place in
 * the order of discovery. One thread uses it alone; several share it, each with a table of its own over the same memory
 * (lock-free insertion by compare-and-swap, as in Laarman, van de Pol and Weber, FMCAD 2010).
 */
import { spread } from './fingerprint.js';

/** In place of a parent: an initial state. */
export const noParent = -1;

/** In place of a parent: a number that no state took. */
export const hole = -2;

/** The top bit of `via`: this state lies beyond the bounds, and is not explored. */
const cutBit = 0x8000_0000;

/** What `add` answers instead of the number of a new state. */
export const known = -1;
export const full = -2;

/** The memory of a table of `capacity` states; shared buffers can be handed to other threads. */
export interface TableMemory {
  readonly capacity: number;
  /** Two words a state. */
  readonly keys: Uint32Array;
  readonly parents: Int32Array;
  /** The place of the step among its parent's successors, and `cutBit`. */
  readonly via: Uint32Array;
  /** Open addressing, linear probing: the number of a state plus 1, or 0. Twice the capacity, a power of two. */
  readonly slots: Int32Array;
  /** How many numbers were given away. */
  readonly next: Int32Array;
}

/** Zeroed memory; throws `RangeError` where there is none. `capacity` is a power of two. */
export const tableMemory = (capacity: number, shared: boolean): TableMemory => {
  const buffer = (bytes: number): ArrayBuffer | SharedArrayBuffer =>
    shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  return {
    capacity,
    keys: new Uint32Array(buffer(8 * capacity)),
    parents: new Int32Array(buffer(4 * capacity)),
    via: new Uint32Array(buffer(4 * capacity)),
    slots: new Int32Array(buffer(8 * capacity)),
    next: new Int32Array(buffer(4)),
  };
};

/** Bytes of `tableMemory(capacity)`. */
export const tableBytes = (capacity: number): number => 24 * capacity;

/** `memory` with twice its capacity: copies it, and builds the slots anew. */
export const grown = (memory: TableMemory, shared: boolean): TableMemory => {
  const larger = tableMemory(memory.capacity * 2, shared);
  larger.keys.set(memory.keys);
  larger.parents.set(memory.parents);
  larger.via.set(memory.via);
  larger.next[0] = memory.next[0] as number;
  fillSlots(larger);
  return larger;
};

/** Enters every state below `next` into empty slots. */
export const fillSlots = ({ keys, parents, slots, next }: TableMemory): void => {
  const mask = slots.length - 1;
  const size = next[0] as number;
  for (let id = 0; id < size; id++) {
    if (parents[id] === hole) continue;
    let at = spread(keys[2 * id] as number, keys[2 * id + 1] as number) & mask;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = id + 1;
  }
};

/** A table as one thread sees it. */
export class StateTable {
  memory: TableMemory;
  readonly #shared: boolean;
  /** A number that this thread drew and did not use. */
  #spare = known;

  constructor(memory: TableMemory, shared: boolean) {
    this.memory = memory;
    this.#shared = shared;
  }

  /** Numbers given away, holes included. */
  get size(): number {
    return this.#shared ? Atomics.load(this.memory.next, 0) : (this.memory.next[0] as number);
  }

  /**
   * The number of a new state; `known`; or `full` where the table must grow first. A table that one thread uses alone grows by
   * itself, and is full when memory runs out. `hi` and `lo` are unsigned.
   */
  add(hi: number, lo: number, parent: number, via: number): number {
    return this.#shared ? this.#addShared(hi, lo, parent, via) : this.#addAlone(hi, lo, parent, via);
  }

  #addAlone(hi: number, lo: number, parent: number, via: number): number {
    const { keys, slots, next, capacity } = this.memory;
    const mask = slots.length - 1;
    let at = spread(hi, lo) & mask;
    for (let slot = slots[at] as number; slot !== 0; slot = slots[at] as number) {
      if (keys[2 * slot - 2] === hi && keys[2 * slot - 1] === lo) return known;
      at = (at + 1) & mask;
    }
    const id = next[0] as number;
    if (id === capacity) return this.#grow() ? this.#addAlone(hi, lo, parent, via) : full;
    next[0] = id + 1;
    this.#write(id, hi, lo, parent, via);
    slots[at] = id + 1;
    return id;
  }

  #grow(): boolean {
    try {
      this.memory = grown(this.memory, false);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #addShared(hi: number, lo: number, parent: number, via: number): number {
    const { keys, slots } = this.memory;
    const mask = slots.length - 1;
    let at = spread(hi, lo) & mask;
    for (;;) {
      let slot = Atomics.load(slots, at);
      if (slot === 0) {
        const id = this.#draw();
        if (id === full) return full;
        // Written before the slot shows it to others.
        this.#write(id, hi, lo, parent, via);
        slot = Atomics.compareExchange(slots, at, 0, id + 1);
        if (slot === 0) {
          this.#spare = known;
          return id;
        }
      }
      if (keys[2 * slot - 2] === hi && keys[2 * slot - 1] === lo) return known;
      at = (at + 1) & mask;
    }
  }

  #draw(): number {
    if (this.#spare !== known) return this.#spare;
    const { next, capacity } = this.memory;
    const id = Atomics.add(next, 0, 1);
    if (id >= capacity) {
      Atomics.sub(next, 0, 1);
      return full;
    }
    this.#spare = id;
    return id;
  }

  /** Gives back the number drawn in vain, as a hole. To be called when all threads rest. */
  leaveSpare(): void {
    if (this.#spare === known) return;
    this.memory.parents[this.#spare] = hole;
    this.#spare = known;
  }

  #write(id: number, hi: number, lo: number, parent: number, via: number): void {
    const { keys, parents, via: vias } = this.memory;
    keys[2 * id] = hi;
    keys[2 * id + 1] = lo;
    parents[id] = parent;
    vias[id] = via;
  }

  /** The number of the state with this key; -1 if it was not seen. */
  find(hi: number, lo: number): number {
    const { keys, slots } = this.memory;
    const mask = slots.length - 1;
    let at = spread(hi, lo) & mask;
    for (let slot = slots[at] as number; slot !== 0; slot = slots[at] as number) {
      if (keys[2 * slot - 2] === hi && keys[2 * slot - 1] === lo) return slot - 1;
      at = (at + 1) & mask;
    }
    return -1;
  }

  /** `id` lies beyond the bounds. */
  markCut(id: number): void {
    this.memory.via[id] = ((this.memory.via[id] as number) | cutBit) >>> 0;
  }

  parentOf(id: number): number {
    return this.memory.parents[id] as number;
  }

  /** The place of the step that found `id` among its parent's successors. */
  viaOf(id: number): number {
    return ((this.memory.via[id] as number) & ~cutBit) >>> 0;
  }

  isCut(id: number): boolean {
    return ((this.memory.via[id] as number) & cutBit) !== 0;
  }

  /** Whether `id` is a state to explore: neither cut nor a hole. */
  isInner(id: number): boolean {
    return this.memory.parents[id] !== hole && !this.isCut(id);
  }

  hasKey(id: number, hi: number, lo: number): boolean {
    return this.memory.keys[2 * id] === hi && this.memory.keys[2 * id + 1] === lo;
  }

  /** The natural number that is the key of `id`, where keys are exact. */
  numberOf(id: number): number {
    return (this.memory.keys[2 * id] as number) * 2 ** 32 + (this.memory.keys[2 * id + 1] as number);
  }

  /** The states from an initial one to `id`, by their numbers. */
  pathTo(id: number): readonly number[] {
    const path: number[] = [];
    for (let at = id; at !== noParent; at = this.parentOf(at)) path.push(at);
    return path.reverse();
  }
}
