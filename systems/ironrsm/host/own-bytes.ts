/** Bytes that outlive the message that brought them. */

/** Bytes of somebody else's buffer that may be kept alive. */
const wasteMax = 16_384;

/** `bytes`, or a copy where they are a small part of a large buffer that would be kept with them: decoded byte strings are views of the whole message. */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength - bytes.length <= Math.max(wasteMax, bytes.length) ? bytes : new Uint8Array(bytes);

/** Bytes that are appended to. */
export class GrowingBytes {
  #buffer: Uint8Array = new Uint8Array();
  #length = 0;

  /** What was appended so far, as a view that later appends leave as it is. */
  get value(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Copies `bytes` behind the others. */
  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      grown.set(this.value);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }
}
