/**
 * The packets ever sent as 64-bit digests, so that an audit's memory hardly grows with its journals: about 16 bytes a packet. What
 * was sent may be received at any later time, so none of them can be forgotten.
 */
import { hash } from 'node:crypto';
import { SentPackets } from '../../protocol/sent-packets.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import type { Tagged } from '../cluster.js';

const slotsMin = 1024;

/** More than this part of the slots is never used. */
const loadMax = 0.6;

/** A set of pairs of 32-bit numbers. */
export class DigestSet {
  #high = new Uint32Array(slotsMin);
  #low = new Uint32Array(slotsMin);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(high: number, low: number): boolean {
    const at = this.#find(high, low);
    return this.#high[at] === high && this.#low[at] === low;
  }

  /** True if the pair is new. */
  add(high: number, low: number): boolean {
    const at = this.#find(high, low);
    if (this.#high[at] === high && this.#low[at] === low) return false;
    this.#high[at] = high;
    this.#low[at] = low;
    this.#size++;
    if (this.#size > this.#high.length * loadMax) this.#grow();
    return true;
  }

  /** Where the pair is, or the empty slot where it belongs. A pair of zeros is an empty slot: `digestPair` gives none. */
  #find(high: number, low: number): number {
    const mask = this.#high.length - 1;
    let at = low & mask;
    while ((this.#high[at] !== 0 || this.#low[at] !== 0) && !(this.#high[at] === high && this.#low[at] === low))
      at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low];
    this.#high = new Uint32Array(2 * high.length);
    this.#low = new Uint32Array(2 * low.length);
    for (let i = 0; i < high.length; i++) {
      const [h, l] = [high[i] as number, low[i] as number];
      if (h === 0 && l === 0) continue;
      const at = this.#find(h, l);
      this.#high[at] = h;
      this.#low[at] = l;
    }
  }
}

/** Two numbers of 32 bits. */
export interface DigestPair {
  readonly high: number;
  readonly low: number;
}

/** The first eight bytes of a sha256. Never a pair of zeros. */
export const digestPair = (bytes: Uint8Array | string): DigestPair => {
  const digest = hash('sha256', bytes, 'buffer');
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) || 1 };
};

/** What the pair of end points adds to the digest of a message. */
const linkOf = (links: Map<string, DigestPair>, source: EndPoint, target: EndPoint): DigestPair => {
  const name = `${source} ${target}`;
  let link = links.get(name);
  if (link === undefined) {
    link = digestPair(name);
    links.set(name, link);
  }
  return link;
};

/** Links that are remembered before all are forgotten: every client makes some. */
const linksMax = 100_000;

/**
 * The packets of an audited cluster. It knows of each whether it was sent, and keeps none: what invariants state of single packets
 * is checked when they are sent.
 */
export class DigestedPackets<M extends Tagged> extends SentPackets<M> {
  readonly #encode: (message: M) => Uint8Array;
  readonly #digests = new DigestSet();
  readonly #links = new Map<string, DigestPair>();
  /** The last message and its digest: the packets of a broadcast share it. */
  #lastMessage: M | undefined;
  #lastBytes: Uint8Array | undefined;
  #last: DigestPair = { high: 0, low: 1 };

  constructor(encode: (message: M) => Uint8Array) {
    super(encode);
    this.#encode = encode;
  }

  override get size(): number {
    return this.#digests.size;
  }

  override add(packet: Packet<M>): boolean {
    const { high, low } = this.#digestOf(packet);
    return this.#digests.add(high, low);
  }

  override has(packet: Packet<M>): boolean {
    const { high, low } = this.#digestOf(packet);
    return this.#digests.has(high, low);
  }

  /** The digest under which a packet of these bytes is known. */
  digest(source: EndPoint, target: EndPoint, bytes: Uint8Array): DigestPair {
    if (bytes !== this.#lastBytes) {
      this.#last = digestPair(bytes);
      this.#lastBytes = bytes;
      this.#lastMessage = undefined;
    }
    return this.#linked(source, target);
  }

  hasDigest({ high, low }: DigestPair): boolean {
    return this.#digests.has(high, low);
  }

  override packets(): Iterable<Packet<M>> {
    return [];
  }

  override tagged(): readonly Packet<M>[] {
    return [];
  }

  #digestOf({ source, target, message }: Packet<M>): DigestPair {
    if (message !== this.#lastMessage) {
      this.#last = digestPair(this.#encode(message));
      this.#lastMessage = message;
      this.#lastBytes = undefined;
    }
    return this.#linked(source, target);
  }

  #linked(source: EndPoint, target: EndPoint): DigestPair {
    if (this.#links.size > linksMax) this.#links.clear();
    const link = linkOf(this.#links, source, target);
    return { high: (this.#last.high ^ link.high) >>> 0, low: (this.#last.low ^ link.low) >>> 0 || 1 };
  }
}
