/** Chunks as a sender would cut them, for the network's tests. */
import { chunkAt, cut } from '../../src/network/chunk.js';
import type { Chunk } from '../../src/network/frame.js';

/** All chunks of a message, none of which asks for an ack. */
export const chunksOf = (message: Uint8Array, id: number, datagramBytesMax: number): readonly Chunk[] => {
  const whole = cut(message, datagramBytesMax);
  return Array.from({ length: whole.count }, (_, index) => chunkAt(whole, id, index, false));
};

/** Bytes that no other length or seed has. */
export const messageOf = (length: number, seed = 1): Uint8Array =>
  new Uint8Array(length).map((_, i) => i * 31 + (i >> 8) + seed);
