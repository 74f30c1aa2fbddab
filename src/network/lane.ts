/**
 * The large messages to one destination: they take turns, and share a window of bytes in flight that acknowledgements
 * open and losses halve (after TCP's congestion control, RFC 5681, and the probes of RFC 9002, section 6.2).
 */
import type { EndPoint } from '../spec/endpoint.js';
import type { AckDrop, NetworkCounters } from './counters.js';
import type { Flight, Sent } from './flight.js';
import type { Ack } from './frame.js';
import { Alarm, type TransportTime } from './transport-time.js';

/** How large messages leave. */
export interface PacingLimits {
  /** Bytes in flight to one destination, at most (or four datagrams): what the receiver's socket holds while its process is busy. */
  readonly windowBytesMax: number;
  /** Bytes of the messages to one destination beyond which no other is taken up: one that cannot keep up, or is gone, loses messages early instead of taking memory. */
  readonly queuedBytesMax: number;
  /** Bytes of all messages that are held until they have arrived. */
  readonly unacknowledgedBytesMax: number;
  /** A message is given up after this time without a chunk that arrived, in milliseconds. */
  readonly giveUpMs: number;
}

/** How a message ended. */
export type FlightEnd =
  | 'chunkedArrived'
  | 'chunkedRefused'
  | 'chunkedGivenUp'
  | 'chunkedPushedOut'
  | 'chunkedAbandoned';

/** What lanes work on. */
export interface LaneParts {
  readonly limits: PacingLimits;
  readonly datagramBytesMax: number;
  readonly time: TransportTime;
  readonly counters: NetworkCounters;
  /** Sends a chunk; never calls back into the lane. */
  readonly emit: (sent: Sent) => void;
  /** Called once for each message that left the lane. */
  readonly onEnd: (flight: Flight, end: FlightEnd) => void;
}

/** Messages to one destination that have chunks in flight at once; more wait. Below what a receiver takes of one source. */
const activeMax = 32;

const windowBytesFirst = 64 * 1024;
/** The window never closes further: a random loss of one datagram in ten would else leave too few to notice the next loss. */
const windowBytesMin = 16 * 1024;
const windowDatagramsMin = 4;

/** Chunks of a message by which another one of it was overtaken when it counts as lost and not as reordered; fewer in a small window. */
const overtakenByMax = 3;

/** Bounds on the time after which a chunk without an answer is sent again, in milliseconds. */
const patienceMsFirst = 50;
const patienceMsMin = 10;
const patienceMsMax = 400;
const backoffMax = 6;

/** An ack is asked for this often in a window, and with each `ackEveryMax`th chunk at least. */
const acksPerWindow = 8;
const ackEveryMax = 4;

/** Chunks that are sent again when patience ends: two, so that a loss costs no second wait. */
const probes = 2;

/** The messages to one destination, and their window. */
export class Lane {
  readonly target: EndPoint;
  /** Bytes held of the lane's messages, bookkeeping included. */
  heldBytes = 0;
  readonly #parts: LaneParts;
  readonly #alarm: Alarm;
  /** All messages, the oldest first. */
  readonly #flights = new Set<Flight>();
  /** Those that have begun; the one whose turn is next first. */
  readonly #active = new Set<Flight>();
  readonly #waiting = new Set<Flight>();
  /** All chunks in flight, in the order of sending. */
  readonly #inFlight = new Set<Sent>();
  #inFlightBytes = 0;
  readonly #windowBytesMin: number;
  readonly #windowBytesMax: number;
  #windowBytes: number;
  /** Above this the window grows slowly. */
  #slowBytes: number;
  /** Losses of what was sent before this time have halved the window already. */
  #halvedMs = Number.NEGATIVE_INFINITY;
  /** Smoothed round trip and its variation (RFC 6298). */
  #roundTrip: { readonly meanMs: number; readonly variationMs: number } | undefined;
  #backoff = 0;
  /** When chunks were last sent again for want of an answer. */
  #probedMs = Number.NEGATIVE_INFINITY;
  #progressMs = Number.NEGATIVE_INFINITY;

  constructor(target: EndPoint, parts: LaneParts) {
    this.target = target;
    this.#parts = parts;
    this.#alarm = new Alarm(parts.time, () => this.#onPatience());
    const { limits, datagramBytesMax } = parts;
    this.#windowBytesMax = Math.max(limits.windowBytesMax, windowDatagramsMin * datagramBytesMax);
    this.#windowBytesMin = Math.min(
      Math.max(windowBytesMin, windowDatagramsMin * datagramBytesMax),
      this.#windowBytesMax,
    );
    this.#windowBytes = Math.min(Math.max(windowBytesFirst, this.#windowBytesMin), this.#windowBytesMax);
    this.#slowBytes = this.#windowBytesMax;
  }

  /** Whether no message is under way. */
  get idle(): boolean {
    return this.#flights.size === 0;
  }

  /** Bytes in flight, and how many may be. */
  get window(): { readonly inFlightBytes: number; readonly bytes: number } {
    return { inFlightBytes: this.#inFlightBytes, bytes: this.#windowBytes };
  }

  /** The message that was added first of those under way. */
  get oldest(): Flight | undefined {
    const [oldest] = this.#flights;
    return oldest;
  }

  /** Takes a message over, and sends as much of it as the window lets through. */
  add(flight: Flight): void {
    this.#flights.add(flight);
    this.#waiting.add(flight);
    this.heldBytes += flight.heldBytes;
    this.#pump();
  }

  /** Takes an ack for one of the lane's messages; `AckDrop` where it is not worth anything. */
  acknowledge(flight: Flight, ack: Ack): AckDrop | undefined {
    if (ack.status !== 'partial') {
      this.#progressMs = this.#parts.time.nowMs();
      this.#backoff = 0;
      this.end(flight, ack.status === 'complete' ? 'chunkedArrived' : 'chunkedRefused');
      this.#pump();
      return undefined;
    }
    const datagrams = this.#windowBytes / this.#parts.datagramBytesMax;
    const progress = flight.acknowledge(ack, {
      by: Math.min(Math.floor(datagrams / 2), overtakenByMax),
      sentByMs: this.#parts.time.nowMs() - this.#roundTripMs(2),
    });
    if (progress === 'givenUp') this.end(flight, 'chunkedGivenUp');
    else if (typeof progress === 'string') return progress;
    else this.#onProgress(flight, progress.arrived, progress.lost, progress.anew);
    this.#pump();
    return undefined;
  }

  /** Forgets a message. */
  end(flight: Flight, how: FlightEnd): void {
    for (const sent of flight.inFlight) this.#land(sent);
    this.#flights.delete(flight);
    this.#active.delete(flight);
    this.#waiting.delete(flight);
    this.heldBytes -= flight.heldBytes;
    if (this.idle) this.#alarm.clear();
    this.#parts.onEnd(flight, how);
  }

  /** Forgets all messages. */
  abandon(): void {
    for (const flight of this.#flights) this.end(flight, 'chunkedAbandoned');
  }

  #onProgress(flight: Flight, arrived: readonly Sent[], lost: readonly Sent[], anew: boolean): void {
    const nowMs = this.#parts.time.nowMs();
    if (anew) {
      this.#backoff = 0;
      this.#progressMs = nowMs;
      flight.progressMs = nowMs;
    }
    let arrivedBytes = 0;
    let newest = arrived[0];
    for (const sent of arrived) {
      this.#land(sent);
      arrivedBytes += sent.bytes;
      if (newest === undefined || sent.serial > newest.serial) newest = sent;
    }
    // Of an older one the ack may have been lost, and of one that was sent twice it may answer either.
    if (newest?.again === false && newest.ackWanted) this.#sample(nowMs - newest.atMs);
    for (const sent of lost) {
      this.#land(sent);
      if (sent.atMs > this.#halvedMs) this.#halve(nowMs);
    }
    const slow = this.#windowBytes >= this.#slowBytes;
    const growth = slow ? (arrivedBytes * this.#parts.datagramBytesMax) / this.#windowBytes : arrivedBytes;
    this.#windowBytes = Math.min(this.#windowBytes + growth, this.#windowBytesMax);
  }

  #sample(tripMs: number): void {
    const { meanMs, variationMs } = this.#roundTrip ?? { meanMs: tripMs, variationMs: tripMs / 2 };
    this.#roundTrip = {
      meanMs: meanMs + (tripMs - meanMs) / 8,
      variationMs: variationMs + (Math.abs(tripMs - meanMs) - variationMs) / 4,
    };
  }

  #halve(nowMs: number): void {
    this.#halvedMs = nowMs;
    this.#windowBytes = Math.max(this.#windowBytes / 2, this.#windowBytesMin);
    this.#slowBytes = this.#windowBytes;
  }

  #land(sent: Sent): void {
    if (this.#inFlight.delete(sent)) this.#inFlightBytes -= sent.bytes;
  }

  /** A round trip that is late by so many variations; without end while none is known. */
  #roundTripMs(variations: number): number {
    return this.#roundTrip === undefined
      ? Number.POSITIVE_INFINITY
      : this.#roundTrip.meanMs + variations * this.#roundTrip.variationMs;
  }

  /** How long a chunk may go without an answer. */
  #patienceMs(): number {
    const onceMs = this.#roundTrip === undefined ? patienceMsFirst : this.#roundTripMs(4) + patienceMsMin;
    return Math.min(onceMs * 2 ** this.#backoff, patienceMsMax);
  }

  /** Sends what the window lets through, the messages taking turns. */
  #pump(): void {
    const nowMs = this.#parts.time.nowMs();
    for (let progress = true; progress; ) {
      progress = false;
      this.#activate(nowMs);
      for (const flight of [...this.#active]) {
        if (!this.#mayEmit()) break;
        const index = flight.nextIndex;
        if (index === undefined) continue;
        // Behind the others, until their turns were.
        this.#active.delete(flight);
        this.#active.add(flight);
        this.#emit(flight.send(index, nowMs, this.#ackEvery()));
        progress = true;
      }
    }
    this.#setAlarm();
  }

  /** Acks are cheap in a wide window; in a narrow one the loss of one would be a wait for nothing. */
  #ackEvery(): number {
    return Math.min(Math.floor(this.#windowBytes / this.#parts.datagramBytesMax / acksPerWindow), ackEveryMax);
  }

  #mayEmit(): boolean {
    const fits = this.#inFlightBytes + this.#parts.datagramBytesMax <= this.#windowBytes;
    return fits || this.#inFlight.size === 0;
  }

  #activate(nowMs: number): void {
    for (const flight of this.#waiting) {
      if (this.#active.size >= activeMax) return;
      this.#waiting.delete(flight);
      this.#active.add(flight);
      flight.progressMs = nowMs;
    }
  }

  #emit(sent: Sent): void {
    const { counters, emit } = this.#parts;
    this.#inFlight.add(sent);
    this.#inFlightBytes += sent.bytes;
    counters.chunksSent++;
    if (sent.again) counters.chunksSentAgain++;
    emit(sent);
  }

  #setAlarm(): void {
    const dueMs = this.#dueMs();
    if (dueMs !== undefined) this.#alarm.set(dueMs);
  }

  /** When patience ends; `undefined` while nothing is in flight. */
  #dueMs(): number | undefined {
    const [first] = this.#inFlight;
    return first === undefined ? undefined : Math.max(first.atMs, this.#probedMs) + this.#patienceMs();
  }

  /** The oldest chunk in flight went without an answer for too long: gives up what is too old, and asks anew. */
  #onPatience(): void {
    const nowMs = this.#parts.time.nowMs();
    this.#giveUpOld(nowMs);
    const dueMs = this.#dueMs();
    if (dueMs !== undefined && dueMs <= nowMs) {
      this.#probedMs = nowMs;
      this.#backoff = Math.min(this.#backoff + 1, backoffMax);
      // Once may be a stray loss; twice says that the way is jammed.
      if (this.#backoff === 2) this.#halve(nowMs);
      for (const sent of [...this.#inFlight].slice(0, probes)) {
        this.#land(sent);
        this.#emit(sent.flight.send(sent.index, nowMs, 1));
      }
    }
    this.#pump();
  }

  #giveUpOld(nowMs: number): void {
    const { giveUpMs } = this.#parts.limits;
    for (const flight of this.#active) {
      if (nowMs - (flight.progressMs ?? nowMs) >= giveUpMs) this.end(flight, 'chunkedGivenUp');
    }
    for (const flight of this.#waiting) {
      if (nowMs - Math.max(flight.startedMs, this.#progressMs) < giveUpMs) return;
      this.end(flight, 'chunkedGivenUp');
    }
  }
}
