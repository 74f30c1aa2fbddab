/** Codecs: messages to bytes and back. */
import type { E } from '../spec/prelude.js';

/** `decode(encode(m)) = m`, and `encode` is injective on valid messages. */
export interface Codec<M> {
  /** The message's bytes; the caller owns them. Throws on a message that its schema does not allow. */
  readonly encode: (message: M) => Uint8Array;
  /**
   * `Left` with a short reason for bytes that are no valid message; never throws. Byte strings in the
   * result are views of `bytes`, which must not change any more: whoever keeps a small one for long copies it.
   */
  readonly decode: (bytes: Uint8Array) => E.Either<string, M>;
}
