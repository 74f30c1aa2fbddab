/** The network of a cluster: the set of all packets ever sent, which only grows (IronFleet, SOSP 2015, section 3.2). */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import type { SentSet } from '../spec/service.js';

/** Adds a value to the list at a key. */
export const listed = <K, V>(lists: Map<K, V[]>, key: K, value: V): void => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
};

/** A mutable set of packets by value: source, target and the message's bytes. Iterates in the order of first sending. */
export class SentPackets<M extends { readonly tag: string }> implements SentSet<M> {
  readonly #encode: (message: M) => Uint8Array;
  readonly #byKey = new Map<string, Packet<M>>();
  readonly #byTag = new Map<string, Packet<M>[]>();
  readonly #bySource = new Map<EndPoint, Packet<M>[]>();
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
    listed(this.#byTag, packet.message.tag, packet);
    listed(this.#bySource, packet.source, packet);
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

  /** The packets of one source, in the order of first sending. The array is the set's own: not to be changed. */
  from(source: EndPoint): readonly Packet<M>[] {
    return this.#bySource.get(source) ?? [];
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
