/** The commands of one connection that are under way or answered and not told, in their order, and what they hold. */
import type { Reply, RespVersion } from './resp-reply.js';

/** A command under way, and its reply once it has one. */
export interface Slot {
  /** The version of the protocol in which the command is answered. */
  readonly version: RespVersion;
  /** Bytes that it holds: of its command and of what it gathered, or of its reply. */
  held: number;
  /** Bytes of values that may come. */
  room: number;
  /** Bytes by which it may lengthen values. */
  writes: number;
  reply: Reply | undefined;
}

/** What each command costs besides its bytes. */
const slotBytes = 256;

/** What each part of a reply costs besides its bytes. */
export const partBytes = 64;

/** Bytes that a reply holds. */
export const replyBytes = (reply: Reply): number => {
  switch (reply.tag) {
    case 'simple':
      return reply.text.length;
    case 'error':
      return reply.message.length;
    case 'integer':
      return 0;
    case 'bulk':
      return reply.value?.length ?? 0;
    case 'array':
      return reply.items.reduce((sum, item) => sum + partBytes + replyBytes(item), 0);
    case 'map':
      return reply.pairs.reduce((sum, [key, value]) => sum + 2 * partBytes + replyBytes(key) + replyBytes(value), 0);
  }
};

/** The slots of one connection. */
export class Slots {
  #slots: Slot[] = [];
  #held = 0;
  #room = 0;
  #writes = 0;
  #answered = 0;

  get length(): number {
    return this.#slots.length;
  }

  /** Bytes that are held. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Bytes of values that may come. */
  get roomBytes(): number {
    return this.#room;
  }

  /** Bytes by which what is under way may lengthen a value. */
  get writesBytes(): number {
    return this.#writes;
  }

  /** Bytes of the replies that wait for those before them. */
  get answeredBytes(): number {
    return this.#answered;
  }

  /** A slot behind all others for a command of `bytes`, with what its arguments cost. */
  open(bytes: number, version: RespVersion): Slot {
    const slot: Slot = { version, held: bytes + slotBytes, room: 0, writes: 0, reply: undefined };
    this.#slots.push(slot);
    this.#held += slot.held;
    return slot;
  }

  /** Keeps room for values of `room` bytes, and expects that the command lengthens values by at most `writes`. */
  expect(slot: Slot, room: number, writes: number): void {
    slot.room = room;
    slot.writes = writes;
    this.#room += room;
    this.#writes += writes;
  }

  /** Counts bytes that came for a reply that is not whole. */
  gather(slot: Slot, bytes: number): void {
    slot.held += bytes;
    this.#held += bytes;
    const taken = Math.min(slot.room, bytes);
    slot.room -= taken;
    this.#room -= taken;
  }

  /** Answers: what was kept for the command is free, and what the reply holds, its `replyBytes`, is counted. */
  answer(slot: Slot, reply: Reply, held: number): void {
    const bytes = slotBytes + held;
    this.#held += bytes - slot.held;
    this.#room -= slot.room;
    this.#writes -= slot.writes;
    this.#answered += bytes;
    slot.reply = reply;
    slot.held = bytes;
    slot.room = 0;
    slot.writes = 0;
  }

  /** Takes the answered slots before the first that is not. */
  take(): readonly Slot[] {
    let count = 0;
    for (const { reply, held } of this.#slots) {
      if (reply === undefined) break;
      this.#held -= held;
      this.#answered -= held;
      count++;
    }
    if (count === 0) return [];
    const taken = count === this.#slots.length ? this.#slots : this.#slots.slice(0, count);
    this.#slots = count === this.#slots.length ? [] : this.#slots.slice(count);
    return taken;
  }
}
