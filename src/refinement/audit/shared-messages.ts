/**
 * Large messages that were decoded lately, by the digest of their bytes. A message travels from one node to several, and many nodes
 * send the same one; decoded once, it also equals itself at a glance. Messages are never written to.
 */
import type { DigestPair } from './packet-digests.js';

/** Smaller messages are decoded faster than they are found. */
export const sharedBytesMin = 256;

/** Bytes of the messages of one generation: those of the last two are kept. */
const generationBytes = 8 * 1024 * 1024;

interface Shared<M> {
  readonly low: number;
  readonly message: M;
}

/** A bounded cache. */
export class SharedMessages<M> {
  #young = new Map<number, Shared<M>>();
  #old = new Map<number, Shared<M>>();
  #youngBytes = 0;

  get({ high, low }: DigestPair): M | undefined {
    const key = keyOf(high, low);
    const shared = this.#young.get(key) ?? this.#old.get(key);
    return shared?.low === low ? shared.message : undefined;
  }

  /** Keeps `message`, of `bytes` bytes. */
  set({ high, low }: DigestPair, message: M, bytes: number): void {
    if (this.#youngBytes > generationBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#youngBytes += bytes;
    this.#young.set(keyOf(high, low), { low, message });
  }
}

/** As much of the digest as a safe integer holds; the rest is compared. */
const keyOf = (high: number, low: number): number => high * 2 ** 20 + (low >>> 12);
