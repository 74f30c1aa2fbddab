/**
 * How a message larger than a datagram is cut in chunks, as its sender and its receiver both know it
 * (docs/adr/0006-large-messages.md).
 */
import { crc32 } from 'node:zlib';
import { ackBitmapBytesMax, type Chunk, chunkFrameBytes, chunkSizeOf } from './frame.js';

/** The largest message that a chunk's header can describe. */
export const chunkableBytesMax = 2 ** 32 - 1;

/** A message and where it is cut. */
export interface Cut {
  readonly message: Uint8Array;
  /** The message's crc32. */
  readonly digest: number;
  /** Bytes of each chunk but the last. */
  readonly size: number;
  readonly count: number;
}

/** Cuts `message`, which is longer than one chunk, for datagrams of at most `datagramBytesMax` bytes. Keeps `message`. */
export const cut = (message: Uint8Array, datagramBytesMax: number): Cut => {
  const { length } = message;
  const size = chunkSizeOf(length, Math.ceil(length / (datagramBytesMax - chunkFrameBytes)));
  // Rounding the size up can make the last chunks superfluous.
  return { message, digest: crc32(message), size, count: Math.ceil(length / size) };
};

/** A chunk of the message `id`, a view of it. */
export const chunkAt = (
  { message, digest, size, count }: Cut,
  id: number,
  index: number,
  ackWanted: boolean,
): Chunk => {
  const bytes = message.subarray(index * size, (index + 1) * size);
  return { tag: 'chunk', id, ackWanted, index, count, length: message.length, digest, bytes };
};

const aheadBytesMax = 1024 * 1024;
const aheadChunksMin = 8;

/**
 * How many chunks behind the first missing one a receiver keeps, for chunks of `size` bytes: as many as an ack can name,
 * and no more than a MiB. A sender sends none beyond.
 */
export const aheadChunksOf = (size: number): number =>
  Math.max(aheadChunksMin, Math.min(ackBitmapBytesMax * 8, Math.floor(aheadBytesMax / size)));
