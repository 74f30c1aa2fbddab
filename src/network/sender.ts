/** The way of messages out of a node: bundled per destination, cut in chunks where a datagram is too small. */
import { addressOf, type EndPoint, portOf } from '../spec/endpoint.js';
import { chunkableBytesMax, chunksOf } from './chunk.js';
import type { NetworkCounters } from './counters.js';
import {
  bundledMessageHeaderBytes,
  clusterIdOf,
  datagramBytesLimit,
  frameHeaderBytes,
  messageIdSpan,
  writeBundle,
  writeChunk,
} from './frame.js';

/** Destinations that are remembered between flushes. */
const outboxesMax = 16_384;

const datagramBytesMin = 256;

/** What a `Sender` works on. */
export interface SenderParts {
  readonly clusterName: string;
  /** The largest datagram to send: 1,200 across networks, up to 65,507 on loopback. */
  readonly datagramBytesMax: number;
  readonly bundleMessagesMax: number;
  /** The largest message to send; larger ones are counted and not sent. */
  readonly messageBytesMax: number;
  /** Where the ids of chunked messages start, in this incarnation; ids of different incarnations must not meet. */
  readonly messageIdBase: number;
  readonly counters: NetworkCounters;
  /** Sends one datagram, which nobody writes to afterwards. */
  readonly emit: (datagram: Buffer, port: number, address: string) => void;
}

interface Outbox {
  readonly address: string;
  readonly port: number;
  readonly messages: Uint8Array[];
}

/** Collects messages until `flush`, then writes each once, into datagrams of its destination. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #clusterId: number;
  readonly #bodyBytesMax: number;
  readonly #messageBytesMax: number;
  readonly #outboxes = new Map<EndPoint, Outbox>();
  readonly #waiting: Outbox[] = [];
  #nextId: number;

  constructor(parts: SenderParts) {
    const { datagramBytesMax, messageIdBase } = parts;
    if (!(datagramBytesMax >= datagramBytesMin && datagramBytesMax <= datagramBytesLimit)) {
      throw new RangeError(
        `a datagram has ${datagramBytesMin} to ${datagramBytesLimit} bytes, not ${datagramBytesMax}`,
      );
    }
    if (!Number.isSafeInteger(messageIdBase) || messageIdBase < 0) throw new RangeError('message ids are naturals');
    this.#parts = parts;
    this.#clusterId = clusterIdOf(parts.clusterName);
    this.#bodyBytesMax = datagramBytesMax - frameHeaderBytes;
    this.#messageBytesMax = Math.min(parts.messageBytesMax, chunkableBytesMax(datagramBytesMax));
    this.#nextId = messageIdBase % messageIdSpan;
  }

  /** Keeps `bytes`, which must not change until `flush`. */
  send(target: EndPoint, bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes.length > this.#messageBytesMax) {
      this.#parts.counters.sendsTooLarge++;
      return;
    }
    let outbox = this.#outboxes.get(target);
    if (outbox === undefined) {
      outbox = { address: addressOf(target), port: portOf(target), messages: [] };
      this.#outboxes.set(target, outbox);
    }
    if (outbox.messages.length === 0) this.#waiting.push(outbox);
    outbox.messages.push(bytes);
  }

  /** Emits all that was collected. */
  flush(): void {
    for (const outbox of this.#waiting) {
      this.#flush(outbox);
      outbox.messages.length = 0;
    }
    this.#waiting.length = 0;
    if (this.#outboxes.size > outboxesMax) this.#outboxes.clear();
  }

  #flush(outbox: Outbox): void {
    const { messages } = outbox;
    const { bundleMessagesMax } = this.#parts;
    let from = 0;
    let bodyBytes = 0;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i] as Uint8Array;
      const cost = message.length + bundledMessageHeaderBytes;
      const fits = bodyBytes + cost <= this.#bodyBytesMax && i - from < bundleMessagesMax;
      if (!fits) {
        this.#emitBundle(outbox, from, i, bodyBytes);
        from = i;
        bodyBytes = 0;
      }
      if (cost > this.#bodyBytesMax) {
        this.#emitChunks(outbox, message);
        from = i + 1;
      } else {
        bodyBytes += cost;
      }
    }
    this.#emitBundle(outbox, from, messages.length, bodyBytes);
    this.#parts.counters.messagesSent += messages.length;
  }

  #emitBundle(outbox: Outbox, from: number, to: number, bodyBytes: number): void {
    if (from === to) return;
    this.#emit(outbox, writeBundle(outbox.messages, from, to, bodyBytes, this.#clusterId));
  }

  #emitChunks(outbox: Outbox, message: Uint8Array): void {
    const id = this.#nextId;
    this.#nextId = (id + 1) % messageIdSpan;
    this.#parts.counters.messagesChunked++;
    for (const chunk of chunksOf(message, id, this.#parts.datagramBytesMax)) {
      this.#emit(outbox, writeChunk(chunk, this.#clusterId));
    }
  }

  #emit(outbox: Outbox, datagram: Buffer): void {
    const { counters } = this.#parts;
    counters.datagramsSent++;
    counters.bytesSent += datagram.length;
    this.#parts.emit(datagram, outbox.port, outbox.address);
  }
}
