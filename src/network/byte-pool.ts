/** Small byte strings out of shared blocks: an allocation of its own costs each of them ten times as much, and the garbage collector more. */

/** Bytes of a block. Small: a block lives as long as any part of it. */
const blockBytes = 4096;

/** Bytes that are copied one by one. */
const shortBytesMax = 64;

/**
 * Hands out byte strings. Whoever has one pool for strings that live about as long as each other wastes little: those that
 * are kept for long should not share blocks with those that are not.
 */
export class BytePool {
  #block = new ArrayBuffer(blockBytes);
  #used = 0;

  /** `length` bytes, zero or not, that nobody else has; the caller's own for ever. */
  take(length: number): Uint8Array {
    if (length > blockBytes / 4) return new Uint8Array(length);
    if (this.#used + length > blockBytes) {
      this.#block = new ArrayBuffer(blockBytes);
      this.#used = 0;
    }
    const bytes = new Uint8Array(this.#block, this.#used, length);
    this.#used += length;
    return bytes;
  }

  /** A copy of `bytes`, from `start` up to `end`; the caller's own. */
  copy(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
    const own = this.take(end - start);
    // For a short one a loop is faster than the call into native code, and needs no view of it.
    if (own.length <= shortBytesMax) for (let i = 0; i < own.length; i++) own[i] = bytes[start + i] as number;
    else own.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, own.length));
    return own;
  }
}
