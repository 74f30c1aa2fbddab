/**
 * The way of a datagram into the inbox: cheap checks, messages out of bundles and chunks, decode. Any bytes from anyone
 * end in the inbox or in a counter. The one thing that is answered is a chunk that asks for an ack.
 */
import { type EndPoint, parseEndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { BytePool } from './byte-pool.js';
import type { Codec } from './codec.js';
import type { NetworkCounters } from './counters.js';
import { type Ack, type Chunk, clusterIdOf, readFrame } from './frame.js';
import type { Inbox } from './inbox.js';
import { Reassembler, type ReassemblyLimits } from './reassembly.js';
import type { TransportTime } from './transport-time.js';

/** Sources whose end points are remembered. A flood of addresses empties the memory; it does not fill it. */
const sourcesMax = 16_384;

/** What a `Receiver` works on. */
export interface ReceiverParts<M> {
  readonly me: EndPoint;
  readonly clusterName: string;
  readonly codec: Codec<M>;
  readonly inbox: Inbox<M>;
  readonly counters: NetworkCounters;
  /** A bundle of more messages is dropped whole. */
  readonly bundleMessagesMax: number;
  readonly reassembly: ReassemblyLimits;
  readonly time: TransportTime;
  /** Where the names of attempts to put a message together start. */
  readonly messageIdBase: number;
  /** Sends an ack to the sender of a chunk. */
  readonly answer: (source: EndPoint, ack: Ack) => void;
  /** Takes an ack for what this node sent. */
  readonly acknowledge: (source: EndPoint, ack: Ack) => void;
}

/** Turns datagrams into packets of the inbox. */
export class Receiver<M> {
  readonly #parts: ReceiverParts<M>;
  readonly #clusterId: number;
  readonly #reassembler: Reassembler;
  readonly #sources = new Map<string, Map<number, EndPoint>>();
  #sourcesCount = 0;
  readonly #pool = new BytePool();

  constructor(parts: ReceiverParts<M>) {
    this.#parts = parts;
    this.#clusterId = clusterIdOf(parts.clusterName);
    this.#reassembler = new Reassembler(parts.reassembly, parts.counters, parts.time, parts.messageIdBase);
  }

  /** Bytes of unfinished messages held, bookkeeping included. */
  get heldBytes(): number {
    return this.#reassembler.heldBytes;
  }

  /**
   * Takes a datagram, of any bytes, that came from `address` and `port`; `true` if the inbox gained a packet. Keeps
   * views of `datagram`, which must not change afterwards. Never throws.
   */
  take(datagram: Uint8Array, address: string, port: number): boolean {
    const { counters } = this.#parts;
    counters.datagramsReceived++;
    counters.bytesReceived += datagram.length;
    const source = this.#sourceOf(address, port);
    if (source === undefined) {
      counters.droppedSource++;
      return false;
    }
    const frame = readFrame(datagram, this.#clusterId, this.#parts.bundleMessagesMax);
    if (E.isLeft(frame)) {
      counters[frame.left]++;
      return false;
    }
    if (frame.right.tag === 'chunk') return this.#takeChunk(source, frame.right);
    if (frame.right.tag === 'ack') {
      this.#parts.acknowledge(source, frame.right);
      return false;
    }
    counters.bundlesReceived++;
    let gained = false;
    // The host gets its messages from bytes of its own: the journal's, which the judge reads, must not change with them.
    const own = this.#pool.copy(datagram);
    for (const bytes of frame.right.messages) {
      const start = bytes.byteOffset - datagram.byteOffset;
      gained = this.#arrive(source, bytes, own.subarray(start, start + bytes.length)) || gained;
    }
    return gained;
  }

  /** Forgets unfinished messages, and cancels all timers. */
  clear(): void {
    this.#reassembler.clear();
  }

  #takeChunk(source: EndPoint, chunk: Chunk): boolean {
    const whole = this.#reassembler.take(source, chunk);
    if (chunk.ackWanted || whole !== undefined) {
      const ack = this.#reassembler.ackOf(source, chunk);
      if (ack !== undefined) this.#parts.answer(source, ack);
    }
    return whole !== undefined && this.#arrive(source, whole, new Uint8Array(whole));
  }

  #arrive(source: EndPoint, bytes: Uint8Array, own: Uint8Array): boolean {
    const { codec, inbox, counters, me } = this.#parts;
    counters.messagesArrived++;
    const message = codec.decode(own);
    if (E.isLeft(message)) {
      counters.droppedInvalidMessage++;
      return false;
    }
    if (!inbox.push({ packet: { source, target: me, message: message.right }, bytes })) {
      counters.droppedInboxFull++;
      return false;
    }
    counters.messagesReceived++;
    return true;
  }

  /** The end point of a sender; `undefined` for one that no packet can name, such as port 0. */
  #sourceOf(address: string, port: number): EndPoint | undefined {
    const known = this.#sources.get(address)?.get(port);
    if (known !== undefined) return known;
    const parsed = parseEndPoint(`${address}:${port}`);
    if (E.isLeft(parsed)) return undefined;
    if (this.#sourcesCount >= sourcesMax) {
      this.#sources.clear();
      this.#sourcesCount = 0;
    }
    const ofAddress = this.#sources.get(address) ?? new Map<number, EndPoint>();
    this.#sources.set(address, ofAddress.set(port, parsed.right));
    this.#sourcesCount++;
    return parsed.right;
  }
}
