/** The network of a cluster: the set of all packets ever sent, which only grows (IronFleet, SOSP 2015, section 3.2). */
import type { Packet } from '../spec/packet.js';
import type { SentSet } from '../spec/service.js';

/** A mutable set of packets by value: source, target and the message's bytes. Iterates in the order of first sending. */
export class SentPackets<M extends { readonly tag: string }> implements SentSet<M> {
  readonly #encode: (message: M) => Uint8Array;
  readonly #byKey = new Map<string, Packet<M>>();
  readonly #byTag = new Map<string, Packet<M>[]>();
  /** The last message encoded: the packets of a broadcast share theirs. */
  #lastMessage: M | undefined;
  #lastText = '';

  constructor(encode: (message: M) => Uint8Array) {
    this.#encode = encode;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** True if the packet is new. */
  add(packet: Packet<M>): boolean {
    const key = this.#keyOf(packet);
    if (this.#byKey.has(key)) return false;
    this.#byKey.set(key, packet);
    const same = this.#byTag.get(packet.message.tag);
    if (same === undefined) this.#byTag.set(packet.message.tag, [packet]);
    else same.push(packet);
    return true;
  }

  has(packet: Packet<M>): boolean {
    return this.#byKey.has(this.#keyOf(packet));
  }

  packets(): Iterable<Packet<M>> {
    return this.#byKey.values();
  }

  /** The packets of one kind, in the order of first sending. The array is the set's own: not to be changed. */
  tagged(tag: M['tag']): readonly Packet<M>[] {
    return this.#byTag.get(tag) ?? [];
  }

  #keyOf(packet: Packet<M>): string {
    if (packet.message !== this.#lastMessage) {
      const bytes = this.#encode(packet.message);
      this.#lastText = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      this.#lastMessage = packet.message;
    }
    return `${packet.source} ${packet.target} ${this.#lastText}`;
  }
}
