/**
 * All messages that come in chunks, within fixed memory: what a slow or lying sender holds is bounded, and is its own share
 * (docs/adr/0006-large-messages.md).
 */
import type { EndPoint } from '../spec/endpoint.js';
import { Assembly, assemblyBytesMax } from './assembly.js';
import type { ChunkDrop, NetworkCounters } from './counters.js';
import type { Ack, Chunk } from './frame.js';
import { Alarm, type TransportTime } from './transport-time.js';

/** What a reassembler may hold. */
export interface ReassemblyLimits {
  /** The largest message, in bytes. */
  readonly messageBytesMax: number;
  /** Bytes held in all, bookkeeping included. */
  readonly heldBytesMax: number;
  /** Bytes held of one source. */
  readonly heldBytesPerSourceMax: number;
  /** Messages of one source at once. */
  readonly messagesPerSourceMax: number;
  /** How long a message may go without a new chunk, in milliseconds. */
  readonly ageMsMax: number;
}

/** Finished messages that are remembered, so that a late chunk is answered and does not begin them anew. */
const finishedPerSourceMax = 256;
const finishedSourcesMax = 1024;

/** Sources with messages under way; with one more, the message that has waited longest makes room. */
const sharesMax = 1024;

/** What one sender has under way here. */
interface Share {
  readonly source: EndPoint;
  /** By message id; the one that has waited longest for a chunk first. */
  readonly assemblies: Map<number, Assembly>;
  heldBytes: number;
}

const taken: unique symbol = Symbol('the chunk was kept');
const nothing = new Uint8Array(0);

/** Puts messages together from their chunks. Sets a timer only while it holds something. */
export class Reassembler {
  readonly #limits: ReassemblyLimits;
  readonly #counters: Pick<NetworkCounters, ChunkDrop | 'evictedPartialMessages' | 'chunksReceived'>;
  readonly #time: TransportTime;
  readonly #alarm: Alarm;
  readonly #shares = new Map<EndPoint, Share>();
  /** All messages under way; the one that has waited longest for a chunk first. */
  readonly #byProgress = new Set<Assembly>();
  readonly #finished = new Map<EndPoint, Set<number>>();
  #heldBytes = 0;
  #nextToken: number;

  /** `tokenBase`: where the names of attempts start; another incarnation of this node should start elsewhere. */
  constructor(limits: ReassemblyLimits, counters: NetworkCounters, time: TransportTime, tokenBase: number) {
    this.#limits = limits;
    this.#counters = counters;
    this.#time = time;
    this.#alarm = new Alarm(time, () => this.#evictOld());
    this.#nextToken = tokenBase;
  }

  /** Bytes held at present, bookkeeping included; at most `heldBytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Messages under way. */
  get messagesHeld(): number {
    return this.#byProgress.size;
  }

  /** Takes a chunk that `readFrame` let pass; the message if this was its last chunk. Counts each chunk once. */
  take(source: EndPoint, chunk: Chunk): Uint8Array | undefined {
    const outcome = this.#take(source, chunk);
    if (typeof outcome === 'string') this.#counters[outcome]++;
    else this.#counters.chunksReceived++;
    return outcome instanceof Uint8Array ? outcome : undefined;
  }

  /** What to tell the sender of a chunk that was taken or dropped; `undefined` where nothing is known of its message. */
  ackOf(source: EndPoint, chunk: Chunk): Ack | undefined {
    const { id } = chunk;
    const last = { tag: 'ack', id, assembly: 0, missing: 0, bitmap: nothing } as const;
    if (this.#finished.get(source)?.has(id) === true) return { ...last, status: 'complete' };
    if (this.#tooLarge(chunk)) return { ...last, status: 'refused' };
    const assembly = this.#shares.get(source)?.assemblies.get(id);
    if (assembly === undefined || !assembly.agrees(chunk)) return undefined;
    const { token, missing } = assembly;
    return { tag: 'ack', id, assembly: token, status: 'partial', missing, bitmap: assembly.bitmap() };
  }

  /** Forgets all that is held, and cancels the timer. */
  clear(): void {
    this.#alarm.clear();
    this.#shares.clear();
    this.#byProgress.clear();
    this.#heldBytes = 0;
  }

  #take(source: EndPoint, chunk: Chunk): Uint8Array | ChunkDrop | typeof taken {
    if (this.#finished.get(source)?.has(chunk.id) === true) return 'droppedChunkFinished';
    if (this.#tooLarge(chunk)) return 'droppedChunkTooLarge';
    const assembly = this.#shares.get(source)?.assemblies.get(chunk.id) ?? this.#start(source, chunk);
    if (assembly === undefined) return 'droppedChunkNoRoom';
    if (!assembly.agrees(chunk)) return 'droppedChunkConflict';
    if (assembly.has(chunk.index)) return 'droppedChunkDuplicate';
    if (assembly.beyond(chunk.index)) return 'droppedChunkAhead';
    const share = this.#shares.get(source) as Share;
    if (!this.#makeRoom(share, assembly, assembly.costOf(chunk))) return 'droppedChunkNoRoom';
    const before = assembly.heldBytes;
    assembly.take(chunk);
    this.#charge(share, assembly.heldBytes - before);
    if (!assembly.complete) {
      this.#progressed(share, assembly);
      return taken;
    }
    this.#forget(assembly);
    const message = assembly.whole();
    if (message === undefined) return 'droppedChunkDigest';
    this.#remember(source, chunk.id);
    return message;
  }

  /** Whether a message could never be put together within the limits. */
  #tooLarge(chunk: Chunk): boolean {
    const { messageBytesMax, heldBytesMax, heldBytesPerSourceMax } = this.#limits;
    return chunk.length > messageBytesMax || assemblyBytesMax(chunk) > Math.min(heldBytesMax, heldBytesPerSourceMax);
  }

  #start(source: EndPoint, chunk: Chunk): Assembly | undefined {
    const assembly = new Assembly(source, chunk, this.#nextToken++, this.#time.nowMs());
    const assemblies = this.#shares.get(source)?.assemblies;
    if (assemblies !== undefined && assemblies.size >= this.#limits.messagesPerSourceMax) {
      const [stalest] = assemblies.values();
      if (stalest !== undefined) this.#evict(stalest);
    }
    while (this.#shares.size >= sharesMax && !this.#shares.has(source)) this.#evictStalest();
    const share = this.#shares.get(source) ?? { source, assemblies: new Map(), heldBytes: 0 };
    if (!this.#makeRoom(share, assembly, assembly.heldBytes)) return undefined;
    this.#shares.set(source, share);
    share.assemblies.set(assembly.id, assembly);
    this.#charge(share, assembly.heldBytes);
    this.#byProgress.add(assembly);
    this.#alarm.set(this.#oldestMs() + this.#limits.ageMsMax);
    return assembly;
  }

  /**
   * Makes room for `cost` more bytes of `assembly`: within its source's share at the cost of that source alone, within the
   * whole at the cost of the sources that hold more than this one.
   */
  #makeRoom(share: Share, assembly: Assembly, cost: number): boolean {
    const { heldBytesMax, heldBytesPerSourceMax } = this.#limits;
    while (share.heldBytes + cost > heldBytesPerSourceMax) if (!this.#evictOf(share, assembly)) return false;
    while (this.#heldBytes + cost > heldBytesMax) {
      let largest = share;
      for (const other of this.#shares.values()) if (other.heldBytes > largest.heldBytes) largest = other;
      if (!this.#evictOf(largest, assembly)) return false;
    }
    return true;
  }

  /** Evicts the message of `share` that has waited longest; `false` where it holds none but `assembly`. */
  #evictOf(share: Share, assembly: Assembly): boolean {
    for (const other of share.assemblies.values()) {
      if (other === assembly) continue;
      this.#evict(other);
      return true;
    }
    return false;
  }

  #progressed(share: Share, assembly: Assembly): void {
    assembly.progressMs = this.#time.nowMs();
    this.#byProgress.delete(assembly);
    this.#byProgress.add(assembly);
    share.assemblies.delete(assembly.id);
    share.assemblies.set(assembly.id, assembly);
  }

  #charge(share: Share, bytes: number): void {
    share.heldBytes += bytes;
    this.#heldBytes += bytes;
  }

  #evictOld(): void {
    const nowMs = this.#time.nowMs();
    for (const assembly of this.#byProgress) {
      if (nowMs - assembly.progressMs < this.#limits.ageMsMax) break;
      this.#evict(assembly);
    }
    if (this.#byProgress.size > 0) this.#alarm.set(this.#oldestMs() + this.#limits.ageMsMax);
  }

  #oldestMs(): number {
    const [oldest] = this.#byProgress;
    return oldest?.progressMs ?? this.#time.nowMs();
  }

  #evictStalest(): void {
    const [stalest] = this.#byProgress;
    if (stalest !== undefined) this.#evict(stalest);
  }

  #evict(assembly: Assembly): void {
    this.#counters.evictedPartialMessages++;
    this.#forget(assembly);
  }

  #forget(assembly: Assembly): void {
    const share = this.#shares.get(assembly.source) as Share;
    this.#charge(share, -assembly.heldBytes);
    share.assemblies.delete(assembly.id);
    if (share.assemblies.size === 0) this.#shares.delete(assembly.source);
    this.#byProgress.delete(assembly);
    if (this.#byProgress.size === 0) this.#alarm.clear();
  }

  #remember(source: EndPoint, id: number): void {
    let ids = this.#finished.get(source);
    // Moved to the end: the source that finished nothing for longest is forgotten first.
    this.#finished.delete(source);
    ids ??= new Set();
    this.#finished.set(source, ids.add(id));
    trim(ids, finishedPerSourceMax);
    trim(this.#finished, finishedSourcesMax);
  }
}

/** Deletes the oldest key of a map or set that has more than `sizeMax`. */
const trim = <K>(entries: { size: number; keys(): Iterator<K>; delete(key: K): boolean }, sizeMax: number): void => {
  if (entries.size > sizeMax) entries.delete(entries.keys().next().value as K);
};
