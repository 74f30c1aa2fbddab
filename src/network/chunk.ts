/**
 * Messages larger than a datagram: cut in chunks by the sender, put together by the receiver within fixed memory.
 * Missing chunks are loss of the message (docs/reduction.md, "Chunks and bundles").
 */
import { crc32 } from 'node:zlib';
import type { EndPoint } from '../spec/endpoint.js';
import type { ChunkDrop, NetworkCounters } from './counters.js';
import { type Chunk, chunkFrameBytes, chunkSizeOf } from './frame.js';

const chunksMax = 65_535;

/** The largest message that can be sent in datagrams of at most `datagramBytesMax` bytes. */
export const chunkableBytesMax = (datagramBytesMax: number): number =>
  Math.min(chunksMax * (datagramBytesMax - chunkFrameBytes), 2 ** 32 - 1);

/**
 * The chunks of `message`, views of it, for datagrams of at most `datagramBytesMax` bytes. `message` is longer than one
 * chunk and at most `chunkableBytesMax`. No two messages of one sender may have the same `id`.
 */
export const chunksOf = (message: Uint8Array, id: number, datagramBytesMax: number): readonly Chunk[] => {
  const { length } = message;
  const wanted = Math.ceil(length / (datagramBytesMax - chunkFrameBytes));
  const size = chunkSizeOf(length, wanted);
  // Rounding the size up can make the last chunks superfluous.
  const count = Math.ceil(length / size);
  const digest = crc32(message);
  return Array.from({ length: count }, (_, index) => {
    const bytes = message.subarray(index * size, (index + 1) * size);
    return { tag: 'chunk', id, index, count, length, digest, bytes };
  });
};

/** What a reassembler may hold. */
export interface ReassemblyLimits {
  /** The largest message, in bytes. */
  readonly messageBytesMax: number;
  /** Bytes held in all, what the bookkeeping of a chunk takes included. */
  readonly heldBytesMax: number;
  /** Messages of one source at once. */
  readonly messagesPerSourceMax: number;
  /** How long a message may take from its first chunk to its last, in milliseconds. */
  readonly ageMsMax: number;
}

/** What a chunk that is held costs beyond its bytes (an estimate of the engine's objects), so that tiny chunks cannot fill the memory. */
export const heldChunkOverheadBytes = 256;

interface Assembly {
  readonly source: EndPoint;
  readonly first: Chunk;
  readonly startedMs: number;
  readonly parts: Map<number, Uint8Array>;
  heldBytes: number;
}

const taken: unique symbol = Symbol('the chunk was kept');

/** Puts messages together from their chunks. Holds views of the datagrams that brought them. */
export class Reassembler {
  readonly #limits: ReassemblyLimits;
  readonly #counters: Pick<NetworkCounters, ChunkDrop | 'evictedPartialMessages' | 'chunksReceived'>;
  readonly #bySource = new Map<EndPoint, Map<number, Assembly>>();
  /** All messages under way, oldest first. */
  readonly #byAge = new Set<Assembly>();
  #heldBytes = 0;

  constructor(
    limits: ReassemblyLimits,
    counters: Pick<NetworkCounters, ChunkDrop | 'evictedPartialMessages' | 'chunksReceived'>,
  ) {
    this.#limits = limits;
    this.#counters = counters;
  }

  /** Bytes held at present, bookkeeping included; at most `heldBytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Messages under way. */
  get messagesHeld(): number {
    return this.#byAge.size;
  }

  /** Takes a chunk that `readFrame` let pass; the message if this was its last chunk. Counts each chunk once. */
  add(source: EndPoint, chunk: Chunk, nowMs: number): Uint8Array | undefined {
    this.#evictOld(nowMs);
    const outcome = this.#add(source, chunk, nowMs);
    if (typeof outcome === 'string') this.#counters[outcome]++;
    else this.#counters.chunksReceived++;
    return outcome instanceof Uint8Array ? outcome : undefined;
  }

  #add(source: EndPoint, chunk: Chunk, nowMs: number): Uint8Array | ChunkDrop | typeof taken {
    const cost = chunk.bytes.length + heldChunkOverheadBytes;
    if (chunk.length > this.#limits.messageBytesMax) return 'droppedChunkTooLarge';
    const wholeCost = chunk.length + chunk.count * heldChunkOverheadBytes;
    // Could never be complete within the memory: it would only push out what can.
    if (wholeCost > this.#limits.heldBytesMax) return 'droppedChunkTooLarge';
    const assembly = this.#bySource.get(source)?.get(chunk.id) ?? this.#start(source, chunk, nowMs);
    const { first } = assembly;
    if (chunk.count !== first.count || chunk.length !== first.length || chunk.digest !== first.digest) {
      return 'droppedChunkConflict';
    }
    if (assembly.parts.has(chunk.index)) return 'droppedChunkDuplicate';
    while (this.#heldBytes + cost > this.#limits.heldBytesMax) this.#evictOldest(assembly);
    assembly.parts.set(chunk.index, chunk.bytes);
    assembly.heldBytes += cost;
    this.#heldBytes += cost;
    if (assembly.parts.size < first.count) return taken;
    this.#forget(assembly);
    return join(assembly) ?? 'droppedChunkDigest';
  }

  #start(source: EndPoint, first: Chunk, nowMs: number): Assembly {
    let ofSource = this.#bySource.get(source);
    if (ofSource !== undefined && ofSource.size >= this.#limits.messagesPerSourceMax) {
      const [oldest] = ofSource.values();
      if (oldest !== undefined) this.#evict(oldest);
      ofSource = this.#bySource.get(source);
    }
    if (ofSource === undefined) {
      ofSource = new Map();
      this.#bySource.set(source, ofSource);
    }
    const assembly: Assembly = { source, first, startedMs: nowMs, parts: new Map(), heldBytes: 0 };
    ofSource.set(first.id, assembly);
    this.#byAge.add(assembly);
    return assembly;
  }

  #evictOld(nowMs: number): void {
    for (const assembly of this.#byAge) {
      if (nowMs - assembly.startedMs <= this.#limits.ageMsMax) return;
      this.#evict(assembly);
    }
  }

  #evictOldest(except: Assembly): void {
    for (const assembly of this.#byAge) {
      if (assembly === except) continue;
      this.#evict(assembly);
      return;
    }
    throw new Error('a message that fits the limits by itself did not');
  }

  #evict(assembly: Assembly): void {
    this.#counters.evictedPartialMessages++;
    this.#forget(assembly);
  }

  #forget(assembly: Assembly): void {
    this.#heldBytes -= assembly.heldBytes;
    this.#byAge.delete(assembly);
    const ofSource = this.#bySource.get(assembly.source);
    ofSource?.delete(assembly.first.id);
    if (ofSource?.size === 0) this.#bySource.delete(assembly.source);
  }
}

/** The message of all chunks; `undefined` where it is not what was cut, because chunks of two messages were mixed. */
const join = ({ first, parts }: Assembly): Uint8Array | undefined => {
  const message = new Uint8Array(first.length);
  const size = chunkSizeOf(first.length, first.count);
  for (const [index, bytes] of parts) message.set(bytes, index * size);
  return crc32(message) === first.digest ? message : undefined;
};
