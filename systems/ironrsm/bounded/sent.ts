/** Sets of sent packets of the bounded model, each kept once, and what follows from a set alone. */
import { PartPool } from '../../../src/refinement/explorer/part-pool.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { RsmMessage } from '../messages.js';

type RsmPacket = Packet<RsmMessage>;
/** Kinds of messages, and both that a learner needs. */
type Kind = RsmMessage['tag'] | 'learn';

/** A set of packets: `packets` are distinct, in an order that depends on the set alone. */
export interface Sent {
  readonly packets: readonly RsmPacket[];
  readonly hi: number;
  readonly lo: number;
  /** Numbers of the packets, ascending; thread-local. */
  readonly numbers: readonly number[];
  /** Lists of packets by kind, and larger sets by what they have more, as far as they were asked for. */
  readonly tagged: Map<Kind, readonly RsmPacket[]>;
  readonly plus: Map<readonly RsmPacket[], Sent>;
}

/** A packet with its number in this thread. */
interface Numbered {
  readonly packet: RsmPacket;
  readonly number: number;
  readonly hi: number;
  readonly lo: number;
}

/** All sets met so far. */
export class SentPool {
  readonly #packets = new PartPool<RsmPacket>();
  readonly #numbered = new Map<RsmPacket, Numbered>();
  readonly #all: Numbered[] = [];
  readonly #sets = new Map<string, Sent>();
  readonly #byIdentity = new Map<readonly RsmPacket[], Sent>();
  readonly #lists = new Map<string, readonly RsmPacket[]>();

  /** The packet that equals `packet`, one object for all. */
  packet(packet: RsmPacket): RsmPacket {
    return this.#number(packet).packet;
  }

  numberOf(packet: RsmPacket): number {
    return this.#number(packet).number;
  }

  #number(packet: RsmPacket): Numbered {
    const known = this.#numbered.get(packet);
    if (known !== undefined) return known;
    const { value, hi, lo } = this.#packets.of(packet);
    const same = this.#numbered.get(value);
    if (same !== undefined) return same;
    const numbered = { packet: value, number: this.#all.length, hi, lo };
    this.#all.push(numbered);
    this.#numbered.set(value, numbered);
    return numbered;
  }

  /** The set of these packets. */
  of(packets: readonly RsmPacket[]): Sent {
    const known = this.#byIdentity.get(packets);
    if (known !== undefined) return known;
    return this.#ofNumbers([...new Set(packets.map((p) => this.#number(p).number))].sort((a, b) => a - b));
  }

  #ofNumbers(numbers: readonly number[]): Sent {
    const key = String.fromCharCode(...numbers);
    return this.#sets.get(key) ?? this.#enter(key, numbers);
  }

  #enter(key: string, numbers: readonly number[]): Sent {
    const members = numbers.map((n) => this.#all[n] as Numbered);
    let [hi, lo] = [0x9e3779b9 | 0, members.length];
    for (const m of members) [hi, lo] = [(hi + m.hi) | 0, (lo + m.lo) | 0];
    // By fingerprint: the numbers differ from thread to thread.
    const packets = [...members].sort((a, b) => a.hi - b.hi || a.lo - b.lo).map(({ packet }) => packet);
    const sent: Sent = { packets, hi, lo, numbers, tagged: new Map(), plus: new Map() };
    this.#sets.set(key, sent);
    this.#byIdentity.set(packets, sent);
    return sent;
  }

  /** `sent` with more packets; `more` is kept, and recognized by its identity. */
  plus(sent: Sent, more: readonly RsmPacket[]): Sent {
    if (more.length === 0) return sent;
    const known = sent.plus.get(more);
    if (known !== undefined) return known;
    const sum = this.#with(sent, more);
    sent.plus.set(more, sum);
    return sum;
  }

  #with(sent: Sent, more: readonly RsmPacket[]): Sent {
    const numbers = new Set(sent.numbers);
    for (const packet of more) numbers.add(this.#number(packet).number);
    if (numbers.size === sent.numbers.length) return sent;
    return this.#ofNumbers([...numbers].sort((a, b) => a - b));
  }

  /** The packets of one kind: one array for equal lists, so that it can stand as a key. */
  tagged(sent: Sent, tag: Kind): readonly RsmPacket[] {
    const known = sent.tagged.get(tag);
    if (known !== undefined) return known;
    const isOf = ({ message: m }: RsmPacket): boolean =>
      tag === 'learn' ? m.tag === '2a' || m.tag === '2b' : m.tag === tag;
    const list = sent.packets.filter(isOf);
    const key = `${tag} ${list.map((p) => this.numberOf(p)).join()}`;
    const same = this.#lists.get(key) ?? list;
    this.#lists.set(key, same);
    sent.tagged.set(tag, same);
    return same;
  }
}
