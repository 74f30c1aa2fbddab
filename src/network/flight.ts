/**
 * One large message on its way out: which of its chunks are known to have arrived, are in flight, or were lost (selective
 * repeat, docs/adr/0006-large-messages.md).
 */
import type { EndPoint } from '../spec/endpoint.js';
import { aheadChunksOf, type Cut } from './chunk.js';
import type { AckDrop } from './counters.js';
import type { Ack } from './frame.js';

/** What a message that is held costs beyond its bytes: an estimate of the engine's objects. */
const flightOverheadBytes = 1024;

/** How often a receiver may start over: it restarted, or had no room. A receiver that lies costs no more than this. */
const restartsMax = 8;

/** A chunk that was sent and of which nothing is known. */
export interface Sent {
  readonly flight: Flight;
  readonly index: number;
  readonly bytes: number;
  /** When it was sent, and where among the chunks of its message. */
  readonly atMs: number;
  readonly serial: number;
  readonly ackWanted: boolean;
  /** Whether it had been sent before, so that an ack does not tell which of them arrived. */
  readonly again: boolean;
}

/**
 * When a chunk counts as lost: one that was sent `by` chunks of the message later has arrived, and it was sent by `sentByMs`,
 * which is a round trip ago, so that chunks which only changed places are not sent again.
 */
export interface Overtaken {
  readonly by: number;
  readonly sentByMs: number;
}

/** What an ack brought. */
export interface Progress {
  /** Chunks that are now known to have arrived and were in flight. */
  readonly arrived: readonly Sent[];
  /** Chunks that are now known to be lost; they will be sent again. */
  readonly lost: readonly Sent[];
  /** Whether any chunk arrived of which that was not known. */
  readonly anew: boolean;
}

/** The end of what an ack says that arrived. */
const knownEnd = ({ missing, bitmap }: Ack): number => {
  const last = bitmap.at(-1);
  return last === undefined ? missing : missing + 1 + bitmap.length * 8 - (Math.clz32(last) - 24);
};

/** A message and what became of its chunks. */
export class Flight {
  readonly id: number;
  readonly target: EndPoint;
  readonly cut: Cut;
  readonly startedMs: number;
  /** When it last came forward, from its first chunk on; `undefined` while it waits for its turn. */
  progressMs: number | undefined;
  #token: number | undefined;
  readonly #formerTokens: number[] = [];
  #missing = 0;
  /** Chunks behind `#missing` that have arrived. */
  readonly #held = new Set<number>();
  readonly #lost = new Set<number>();
  /** In the order of sending. */
  readonly #sent = new Map<number, Sent>();
  #next = 0;
  /** Chunks below this were sent at least once. */
  #sentEnd = 0;
  #serial = 0;
  #sinceAckWanted = 0;
  #acksWanted = 0;

  constructor(id: number, target: EndPoint, cut: Cut, nowMs: number) {
    this.id = id;
    this.target = target;
    this.cut = cut;
    this.startedMs = nowMs;
  }

  /** Bytes held while it is under way. */
  get heldBytes(): number {
    return this.cut.message.length + flightOverheadBytes;
  }

  /** The chunk to send next; `undefined` while all that may be sent is in flight. */
  get nextIndex(): number | undefined {
    for (const index of this.#lost) return index;
    const { count, size } = this.cut;
    while (this.#next < count && (this.#held.has(this.#next) || this.#sent.has(this.#next))) this.#next++;
    return this.#next < count && this.#next - this.#missing <= aheadChunksOf(size) ? this.#next : undefined;
  }

  /** Notes that a chunk is being sent; asks for an ack with every `ackEvery`th chunk at least. */
  send(index: number, nowMs: number, ackEvery: number): Sent {
    const former = this.#sent.get(index);
    if (former !== undefined) this.#drop(former);
    this.#lost.delete(index);
    const again = index < this.#sentEnd;
    this.#sentEnd = Math.max(this.#sentEnd, index + 1);
    if (index === this.#next) this.#next++;
    // Whatever is in flight, an ack for some of it is asked for: else nobody would say when to go on.
    const ackWanted = ++this.#sinceAckWanted >= ackEvery || this.#acksWanted === 0 || this.nextIndex === undefined;
    if (ackWanted) {
      this.#sinceAckWanted = 0;
      this.#acksWanted++;
    }
    const { size, count, message } = this.cut;
    const bytes = index === count - 1 ? message.length - index * size : size;
    const sent: Sent = { flight: this, index, bytes, atMs: nowMs, serial: this.#serial++, ackWanted, again };
    this.#sent.set(index, sent);
    return sent;
  }

  /** Takes what the receiver says that it holds. `givenUp`: it started over too often. */
  acknowledge(ack: Ack, overtaken: Overtaken): Progress | AckDrop | 'givenUp' {
    if (ack.missing >= this.cut.count || knownEnd(ack) > this.#sentEnd) return 'droppedAckFalse';
    let forgotten: readonly Sent[] = [];
    if (this.#token !== ack.assembly) {
      if (this.#formerTokens.includes(ack.assembly)) return 'droppedAckStale';
      if (this.#token !== undefined) {
        this.#formerTokens.push(this.#token);
        if (this.#formerTokens.length > restartsMax) return 'givenUp';
        forgotten = this.#startOver();
      }
      this.#token = ack.assembly;
    }
    const arrived: Sent[] = [];
    const anew = this.#merge(ack, arrived);
    return { arrived, anew, lost: [...forgotten, ...this.#overtaken(arrived, overtaken)] };
  }

  /** Chunks in flight. */
  get inFlight(): Iterable<Sent> {
    return this.#sent.values();
  }

  /** Adds what an ack names to what has arrived; whether any of it is new. Acks may come in any order. */
  #merge({ missing, bitmap }: Ack, arrived: Sent[]): boolean {
    let anew = false;
    const arrive = (index: number): void => {
      anew = true;
      this.#lost.delete(index);
      const sent = this.#sent.get(index);
      if (sent === undefined) return;
      this.#drop(sent);
      arrived.push(sent);
    };
    for (let index = this.#missing; index < missing; index++) if (!this.#held.delete(index)) arrive(index);
    this.#missing = Math.max(this.#missing, missing);
    for (let bit = 0; bit < bitmap.length * 8; bit++) {
      const index = missing + 1 + bit;
      const held = (((bitmap[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
      if (!held || index < this.#missing || this.#held.has(index)) continue;
      this.#held.add(index);
      arrive(index);
    }
    while (this.#held.delete(this.#missing)) this.#missing++;
    return anew;
  }

  /** Chunks that were sent well before one that has arrived. */
  #overtaken(arrived: readonly Sent[], { by, sentByMs }: Overtaken): readonly Sent[] {
    let newest = -1;
    for (const { serial } of arrived) newest = Math.max(newest, serial);
    const lost: Sent[] = [];
    for (const sent of this.#sent.values()) {
      if (newest - sent.serial < by || sent.atMs > sentByMs) break;
      lost.push(sent);
    }
    for (const sent of lost) {
      this.#drop(sent);
      this.#lost.add(sent.index);
    }
    return lost;
  }

  /** The receiver holds nothing any more: all is to be sent again. What was in flight is forgotten. */
  #startOver(): readonly Sent[] {
    const forgotten = [...this.#sent.values()];
    for (const sent of forgotten) this.#drop(sent);
    this.#held.clear();
    this.#lost.clear();
    this.#missing = 0;
    this.#next = 0;
    return forgotten;
  }

  #drop(sent: Sent): void {
    this.#sent.delete(sent.index);
    if (sent.ackWanted) this.#acksWanted--;
  }
}
