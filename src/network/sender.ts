/** The way of messages out of a node: small ones bundled per destination, large ones handed over to be paced. */
import { addressOf, type EndPoint, portOf } from '../spec/endpoint.js';
import { chunkAt, chunkableBytesMax } from './chunk.js';
import type { NetworkCounters } from './counters.js';
import type { Sent } from './flight.js';
import {
  type Ack,
  bundledMessageHeaderBytes,
  clusterIdOf,
  datagramBytesLimit,
  frameHeaderBytes,
  writeAck,
  writeBundle,
  writeChunk,
} from './frame.js';
import type { Lane, PacingLimits } from './lane.js';
import { Outgoing } from './outgoing.js';
import type { TransportTime } from './transport-time.js';

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
  readonly pacing: PacingLimits;
  readonly time: TransportTime;
  readonly counters: NetworkCounters;
  /** Sends one datagram, which nobody writes to afterwards. */
  readonly emit: (datagram: Buffer, port: number, address: string) => void;
}

interface Outbox {
  readonly target: EndPoint;
  readonly address: string;
  readonly port: number;
  readonly messages: Uint8Array[];
}

/**
 * Collects messages until `flush`, then writes each small one once, into datagrams of its destination. Large ones leave
 * after all small ones, as fast as they are acknowledged.
 */
export class Sender {
  readonly #parts: SenderParts;
  readonly #clusterId: number;
  readonly #bodyBytesMax: number;
  readonly #outboxes = new Map<EndPoint, Outbox>();
  readonly #waiting: Outbox[] = [];
  readonly #large: (readonly [target: EndPoint, message: Uint8Array])[] = [];
  readonly #outgoing: Outgoing;

  constructor(parts: SenderParts) {
    const { datagramBytesMax, messageIdBase, messageBytesMax, pacing } = parts;
    if (!(datagramBytesMax >= datagramBytesMin && datagramBytesMax <= datagramBytesLimit)) {
      throw new RangeError(
        `a datagram has ${datagramBytesMin} to ${datagramBytesLimit} bytes, not ${datagramBytesMax}`,
      );
    }
    if (!Number.isSafeInteger(messageIdBase) || messageIdBase < 0) throw new RangeError('message ids are naturals');
    if (!(messageBytesMax >= 1 && messageBytesMax <= Math.min(chunkableBytesMax, pacing.unacknowledgedBytesMax))) {
      throw new RangeError(`a message of ${messageBytesMax} bytes does not fit the limits`);
    }
    this.#parts = parts;
    this.#clusterId = clusterIdOf(parts.clusterName);
    this.#bodyBytesMax = datagramBytesMax - frameHeaderBytes;
    this.#outgoing = new Outgoing({ ...parts, limits: pacing, emit: this.#emitChunk });
  }

  /** Bytes of large messages held until they have arrived, bookkeeping included. */
  get heldBytes(): number {
    return this.#outgoing.heldBytes;
  }

  /** Bytes in flight to a destination, and how many may be. */
  windowTo(target: EndPoint): Lane['window'] | undefined {
    return this.#outgoing.windowTo(target);
  }

  /** Keeps `bytes`, to which nobody may write any more. */
  send(target: EndPoint, bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes.length > this.#parts.messageBytesMax) {
      this.#parts.counters.sendsTooLarge++;
      return;
    }
    const outbox = this.#outboxTo(target);
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
    for (const [target, message] of this.#large) this.#outgoing.send(target, message);
    this.#large.length = 0;
    if (this.#outboxes.size > outboxesMax) this.#outboxes.clear();
  }

  /** Takes an ack that came from `source`; may send chunks. */
  acknowledge(source: EndPoint, ack: Ack): void {
    this.#outgoing.acknowledge(source, ack);
  }

  /** Sends an ack at once. */
  answer(target: EndPoint, ack: Ack): void {
    this.#parts.counters.acksSent++;
    this.#emit(this.#outboxTo(target), writeAck(ack, this.#clusterId));
  }

  /** Drops all that is queued or unacknowledged, and cancels all timers. */
  abandon(): void {
    for (const outbox of this.#waiting) outbox.messages.length = 0;
    this.#waiting.length = 0;
    this.#outgoing.abandon();
  }

  #outboxTo(target: EndPoint): Outbox {
    const known = this.#outboxes.get(target);
    if (known !== undefined) return known;
    const outbox = { target, address: addressOf(target), port: portOf(target), messages: [] };
    this.#outboxes.set(target, outbox);
    return outbox;
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

  #emitChunks({ target }: Outbox, message: Uint8Array): void {
    this.#large.push([target, message]);
  }

  readonly #emitChunk = ({ flight, index, ackWanted }: Sent): void => {
    const chunk = chunkAt(flight.cut, flight.id, index, ackWanted);
    this.#emit(this.#outboxTo(flight.target), writeChunk(chunk, this.#clusterId));
  };

  #emit(outbox: Outbox, datagram: Buffer): void {
    const { counters } = this.#parts;
    counters.datagramsSent++;
    counters.bytesSent += datagram.length;
    this.#parts.emit(datagram, outbox.port, outbox.address);
  }
}
