/** All large messages on their way out: kept until they have arrived or are given up, within fixed memory. */
import type { EndPoint } from '../spec/endpoint.js';
import { cut } from './chunk.js';
import type { NetworkCounters } from './counters.js';
import { Flight, type Sent } from './flight.js';
import { type Ack, messageIdSpan } from './frame.js';
import { type FlightEnd, Lane, type PacingLimits } from './lane.js';
import type { TransportTime } from './transport-time.js';

/** Destinations whose windows are remembered while nothing is under way to them. */
const lanesMax = 1024;

/** What `Outgoing` works on. */
export interface OutgoingParts {
  readonly limits: PacingLimits;
  readonly datagramBytesMax: number;
  /** Where the ids of messages start; those of different incarnations must not meet. */
  readonly messageIdBase: number;
  readonly time: TransportTime;
  readonly counters: NetworkCounters;
  /** Sends a chunk. */
  readonly emit: (sent: Sent) => void;
}

/** Large messages, by destination and by id. */
export class Outgoing {
  readonly #parts: OutgoingParts;
  readonly #lanes = new Map<EndPoint, Lane>();
  readonly #flights = new Map<number, Flight>();
  /** By destination and checksum, to find an equal one. */
  readonly #byContent = new Map<string, Flight>();
  #heldBytes = 0;
  #nextId: number;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    this.#nextId = parts.messageIdBase % messageIdSpan;
  }

  /** Bytes of messages that are under way, bookkeeping included; at most `unacknowledgedBytesMax`. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Messages under way. */
  get messagesHeld(): number {
    return this.#flights.size;
  }

  /** Bytes in flight to a destination, and how many may be. */
  windowTo(target: EndPoint): Lane['window'] | undefined {
    return this.#lanes.get(target)?.window;
  }

  /** Takes over a message that is larger than a datagram, and at most `unacknowledgedBytesMax` long; nobody may write to it any more. */
  send(target: EndPoint, message: Uint8Array): void {
    const { counters, datagramBytesMax, time, limits } = this.#parts;
    const flight = new Flight(this.#nextId, target, cut(message, datagramBytesMax), time.nowMs());
    // A protocol that repeats itself gets its answer sooner if the first copy may go on.
    const equal = this.#byContent.get(contentOf(flight));
    if (equal !== undefined && Buffer.compare(equal.cut.message, message) === 0) {
      counters.chunkedAlready++;
      return;
    }
    const lane = this.#laneTo(target);
    if (lane.heldBytes > 0 && lane.heldBytes + flight.heldBytes > limits.queuedBytesMax) {
      counters.chunkedNotTaken++;
      return;
    }
    counters.messagesChunked++;
    this.#nextId = (this.#nextId + 1) % messageIdSpan;
    while (this.#heldBytes > 0 && this.#heldBytes + flight.heldBytes > limits.unacknowledgedBytesMax) this.#pushOut();
    this.#flights.set(flight.id, flight);
    this.#byContent.set(contentOf(flight), flight);
    this.#heldBytes += flight.heldBytes;
    lane.add(flight);
  }

  /** Takes an ack from `source`; one for no message to it is counted and ignored. */
  acknowledge(source: EndPoint, ack: Ack): void {
    const flight = this.#flights.get(ack.id);
    const { counters } = this.#parts;
    if (flight === undefined || flight.target !== source) {
      counters.droppedAckUnknown++;
      return;
    }
    counters[this.#laneTo(source).acknowledge(flight, ack) ?? 'acksReceived']++;
  }

  /** Forgets all messages, and cancels all timers. */
  abandon(): void {
    for (const lane of this.#lanes.values()) lane.abandon();
  }

  /** Gives up the oldest message to the destination to which most is held, so that one that is gone does not push out the others'. */
  #pushOut(): void {
    let heaviest: Lane | undefined;
    for (const lane of this.#lanes.values()) if (lane.heldBytes > (heaviest?.heldBytes ?? 0)) heaviest = lane;
    const oldest = heaviest?.oldest;
    if (oldest !== undefined) heaviest?.end(oldest, 'chunkedPushedOut');
  }

  #laneTo(target: EndPoint): Lane {
    const known = this.#lanes.get(target);
    if (known !== undefined) return known;
    if (this.#lanes.size >= lanesMax) {
      for (const [other, lane] of this.#lanes) if (lane.idle) this.#lanes.delete(other);
    }
    const lane = new Lane(target, { ...this.#parts, onEnd: this.#onEnd });
    this.#lanes.set(target, lane);
    return lane;
  }

  readonly #onEnd = (flight: Flight, end: FlightEnd): void => {
    this.#parts.counters[end]++;
    this.#flights.delete(flight.id);
    if (this.#byContent.get(contentOf(flight)) === flight) this.#byContent.delete(contentOf(flight));
    this.#heldBytes -= flight.heldBytes;
  };
}

const contentOf = ({ target, cut: { digest, message } }: Flight): string => `${target} ${digest} ${message.length}`;
