/**
 * One message on its way in: the chunks from its start on, put together, and the few that arrived ahead of a missing one.
 * Its memory follows what arrived; what a header claims costs nothing.
 */
import { crc32 } from 'node:zlib';
import type { EndPoint } from '../spec/endpoint.js';
import { aheadChunksOf } from './chunk.js';
import { type Chunk, chunkSizeOf } from './frame.js';

/** What a chunk that is held for itself costs beyond its bytes: an estimate of the engine's objects. */
const aheadOverheadBytes = 256;

/** What an assembly costs before it holds a byte: an estimate of the engine's objects. */
export const assemblyOverheadBytes = 1024;

const capacityMin = 4096;

/** What a whole message of this shape takes at most while it is put together, whatever the order of its chunks. */
export const assemblyBytesMax = ({ length, count }: Pick<Chunk, 'length' | 'count'>): number => {
  const size = chunkSizeOf(length, count);
  const ahead = Math.min(count - 1, aheadChunksOf(size));
  return assemblyOverheadBytes + length + ahead * (size + aheadOverheadBytes);
};

/** A message of which some chunks have come. */
export class Assembly {
  readonly source: EndPoint;
  /** Names this attempt in acks. */
  readonly token: number;
  /** When it last got a new chunk. */
  progressMs: number;
  readonly #shape: Omit<Chunk, 'tag' | 'bytes' | 'index' | 'ackWanted'>;
  readonly #size: number;
  /** The chunks before `#missing`, and room for more. */
  #bytes = new Uint8Array(0);
  #filled = 0;
  #missing = 0;
  #crc = 0;
  /** Chunks behind `#missing`: views of their datagrams. */
  readonly #ahead = new Map<number, Uint8Array>();
  #aheadCost = 0;

  constructor(source: EndPoint, { id, count, length, digest }: Chunk, token: number, nowMs: number) {
    this.source = source;
    this.token = token;
    this.progressMs = nowMs;
    this.#shape = { id, count, length, digest };
    this.#size = chunkSizeOf(length, count);
  }

  get id(): number {
    return this.#shape.id;
  }

  /** Bytes held, bookkeeping included. */
  get heldBytes(): number {
    return assemblyOverheadBytes + this.#bytes.length + this.#aheadCost;
  }

  /** The first chunk that has not come. */
  get missing(): number {
    return this.#missing;
  }

  /** Whether all chunks have come. */
  get complete(): boolean {
    return this.#missing === this.#shape.count;
  }

  /** Whether a chunk of the same id is cut from the same message. */
  agrees({ count, length, digest }: Chunk): boolean {
    return count === this.#shape.count && length === this.#shape.length && digest === this.#shape.digest;
  }

  has(index: number): boolean {
    return index < this.#missing || this.#ahead.has(index);
  }

  /** Whether a chunk is too far behind the first one that is missing. */
  beyond(index: number): boolean {
    return index - this.#missing > aheadChunksOf(this.#size);
  }

  /** By how much `heldBytes` may grow if `chunk` is taken. */
  costOf({ index, bytes }: Chunk): number {
    if (index !== this.#missing) return bytes.length + aheadOverheadBytes;
    return this.#capacityFor(this.#endAfter(bytes)) - this.#bytes.length;
  }

  /** Takes a chunk that agrees, is new and not beyond; keeps a view of its bytes. */
  take({ index, bytes }: Chunk): void {
    if (index !== this.#missing) {
      this.#ahead.set(index, bytes);
      this.#aheadCost += bytes.length + aheadOverheadBytes;
      return;
    }
    this.#reserve(this.#endAfter(bytes));
    this.#append(bytes);
    for (let next = this.#ahead.get(this.#missing); next !== undefined; next = this.#ahead.get(this.#missing)) {
      this.#ahead.delete(this.#missing);
      this.#aheadCost -= next.length + aheadOverheadBytes;
      this.#append(next);
    }
  }

  /** The message of all chunks; `undefined` where it is not what was cut, because chunks of two messages were mixed. */
  whole(): Uint8Array | undefined {
    if (this.#crc !== this.#shape.digest) return undefined;
    return this.#bytes;
  }

  /** Which chunks behind the first missing one are held, as an ack says it. */
  bitmap(): Uint8Array {
    const from = this.#missing + 1;
    let bits = 0;
    for (const index of this.#ahead.keys()) bits = Math.max(bits, index - from + 1);
    const bitmap = new Uint8Array(Math.ceil(bits / 8));
    for (const index of this.#ahead.keys()) {
      const bit = index - from;
      bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
    }
    return bitmap;
  }

  /** Where the bytes from the start on end, once `bytes` closes the gap. */
  #endAfter(bytes: Uint8Array): number {
    let end = this.#filled + bytes.length;
    let index = this.#missing + 1;
    for (let next = this.#ahead.get(index); next !== undefined; next = this.#ahead.get(++index)) end += next.length;
    return end;
  }

  #append(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#filled);
    // Chunk by chunk, so that no message makes the node wait for the checksum of all of it.
    this.#crc = crc32(bytes, this.#crc);
    this.#filled += bytes.length;
    this.#missing++;
  }

  #reserve(end: number): void {
    const capacity = this.#capacityFor(end);
    if (capacity === this.#bytes.length) return;
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = grown;
  }

  /** Some KiB, or at most twice what has arrived: a false length is not paid for. The last copy has the message's own length. */
  #capacityFor(end: number): number {
    if (end <= this.#bytes.length) return this.#bytes.length;
    return Math.min(this.#shape.length, Math.max(end, 2 * this.#bytes.length, capacityMin));
  }
}
