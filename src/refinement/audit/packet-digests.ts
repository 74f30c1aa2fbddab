/**
 * The packets ever sent as 64-bit digests, so that an audit's memory hardly grows with its journals: about 16 bytes a packet. What
 * was sent may be received at any later time, so none of them can be forgotten.
 */
import { hash } from 'node:crypto';
import { listed, SentPackets } from '../../protocol/sent-packets.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import type { Tagged } from '../cluster.js';
import { equalValues } from '../values.js';

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

  /** Where the pair is, or the empty slot where it belongs. A pair of zeros is an empty slot, and no member. */
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

/** The first eight bytes of a sha256. */
const digestPair = (bytes: Uint8Array): DigestPair => {
  // As text, which costs less than a buffer.
  const digest = hash('sha256', bytes, 'binary');
  return { high: word(digest, 0), low: word(digest, 4) };
};

const word = (text: string, at: number): number =>
  ((text.charCodeAt(at) << 24) |
    (text.charCodeAt(at + 1) << 16) |
    (text.charCodeAt(at + 2) << 8) |
    text.charCodeAt(at + 3)) >>>
  0;

/** Links that are remembered before all are forgotten: every client makes some. */
const linksMax = 100_000;

/**
 * The packets of an audited cluster. It knows of each whether it was sent, and keeps none of a member: what invariants state of single
 * packets is checked when they are sent. Those of others it keeps until they are dropped, since the spec asks what its clients sent.
 */
export class DigestedPackets<M extends Tagged> extends SentPackets<M> {
  readonly #encode: (message: M) => Uint8Array;
  readonly #members: ReadonlySet<EndPoint>;
  readonly #digests = new DigestSet();
  /** By source. */
  readonly #fromOutside = new Map<EndPoint, Packet<M>[]>();
  /** What a pair of end points adds to the digest of a message, by source and target. */
  readonly #links = new Map<EndPoint, Map<EndPoint, DigestPair>>();
  #linkCount = 0;
  /** Digests of bytes of the step that is judged now, as far as they are known. */
  readonly #ofBytes = new Map<Uint8Array, DigestPair>();
  /** Digests of the messages of the step that is judged now. */
  readonly #ofMessages = new Map<M, DigestPair>();
  #high = 0;
  #low = 0;

  constructor(encode: (message: M) => Uint8Array, members: ReadonlySet<EndPoint>) {
    super(encode);
    this.#encode = encode;
    this.#members = members;
  }

  override get size(): number {
    return this.#digests.size;
  }

  /** True if the packet is new; of somebody who is no member, if it was dropped as well, since he sends it again. */
  override add(packet: Packet<M>): boolean {
    const { source, target, message } = packet;
    this.#link(source, target, this.#ofMessage(message));
    const isNew = this.#digests.add(this.#high, this.#low);
    return this.#members.has(source) ? isNew : this.#keep(packet, isNew);
  }

  override has({ source, target, message }: Packet<M>): boolean {
    return this.hasDigest(source, target, this.#ofMessage(message));
  }

  override packets(): Iterable<Packet<M>> {
    return [];
  }

  override tagged(): readonly Packet<M>[] {
    return [];
  }

  /** None of a member; of others those that were not dropped since they were last received. */
  override from(source: EndPoint): readonly Packet<M>[] {
    return this.#fromOutside.get(source) ?? [];
  }

  /** Drops the packets from outside that are not needed. */
  keepFromOutside(needed: (packet: Packet<M>) => boolean): void {
    for (const [source, packets] of this.#fromOutside) {
      const rest = packets.filter(needed);
      if (rest.length === 0) this.#fromOutside.delete(source);
      else if (rest.length < packets.length) this.#fromOutside.set(source, rest);
    }
  }

  /** As `has`, of a message whose bytes have this digest. */
  hasDigest(source: EndPoint, target: EndPoint, digest: DigestPair): boolean {
    this.#link(source, target, digest);
    return this.#digests.has(this.#high, this.#low);
  }

  /** The digest of a message's bytes. */
  digest(bytes: Uint8Array): DigestPair {
    return this.#ofBytes.get(bytes) ?? digestPair(bytes);
  }

  /** Another step is judged from now on, of which these digests are known. */
  nextStep(known: readonly { readonly bytes: Uint8Array; readonly digest: DigestPair }[]): void {
    this.#ofMessages.clear();
    this.#ofBytes.clear();
    for (const { bytes, digest } of known) this.#ofBytes.set(bytes, digest);
  }

  /** `message` was decoded from bytes with this digest, and its canonical encoding is the same bytes. */
  decoded(message: M, digest: DigestPair): void {
    this.#ofMessages.set(message, digest);
  }

  /** `message` equals `other`, which was decoded before. */
  same(message: M, other: M): void {
    const digest = this.#ofMessages.get(other);
    if (digest !== undefined) this.#ofMessages.set(message, digest);
  }

  /** True if it was not kept already. */
  #keep(packet: Packet<M>, isNew: boolean): boolean {
    const { source, target, message } = packet;
    const isSame = (p: Packet<M>): boolean => p.target === target && equalValues(p.message, message);
    const isKept = !isNew && this.from(source).some(isSame);
    if (!isKept) listed(this.#fromOutside, source, packet);
    return !isKept;
  }

  #ofMessage(message: M): DigestPair {
    return this.#ofMessages.get(message) ?? digestPair(this.#encode(message));
  }

  /** Leaves the digest of a packet in `#high` and `#low`. */
  #link(source: EndPoint, target: EndPoint, { high, low }: DigestPair): void {
    const link = this.#links.get(source)?.get(target) ?? this.#newLink(source, target);
    this.#high = (high ^ link.high) >>> 0;
    this.#low = (low ^ link.low) >>> 0 || 1;
  }

  #newLink(source: EndPoint, target: EndPoint): DigestPair {
    if (this.#linkCount++ > linksMax) {
      this.#links.clear();
      this.#linkCount = 0;
    }
    const link = digestPair(Buffer.from(`${source} ${target}`));
    const targets = this.#links.get(source) ?? new Map<EndPoint, DigestPair>();
    this.#links.set(source, targets.set(target, link));
    return link;
  }
}
