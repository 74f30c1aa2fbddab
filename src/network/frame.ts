/**
 * Frames: what a datagram looks like. All numbers are big-endian.
 *
 *     0  magic 'IK'    2  version    3  kind    4  cluster    8  checksum of the body    12  body
 *     a bundle's body: messages, each its length (u32) and its bytes
 *     a chunk's body:  message id (u48), whether an answer is wanted (u8: 0 or 1), index (u32), count (u32),
 *                      length (u32) and checksum (u32) of the whole, bytes
 *     an ack's body:   message id (u48), assembly (u48), status (u8), index of the first chunk that is missing (u32),
 *                      a bit for each chunk after that one, set where it is held, without trailing zero bytes
 *
 * The sender of a frame is the address that its datagram came from.
 */
import { crc32 } from 'node:zlib';
import { E } from '../spec/prelude.js';
import type { DatagramDrop } from './counters.js';

const magic = 0x494b;
const version = 2;
const bundleKind = 1;
const chunkKind = 2;
const ackKind = 3;

/** Where the body of a frame starts. */
export const frameHeaderBytes = 12;

/** What a message costs in a bundle besides its own bytes. */
export const bundledMessageHeaderBytes = 4;

const chunkHeaderBytes = 23;
const ackHeaderBytes = 17;

/** What a chunk costs besides its bytes: the rest of the datagram carries them. */
export const chunkFrameBytes = frameHeaderBytes + chunkHeaderBytes;

/** Bytes of an ack's bitmap, at most: an ack fits every datagram. */
export const ackBitmapBytesMax = 128;

/** The limit of UDP over IPv4. */
export const datagramBytesLimit = 65_507;

/** Message ids are below this. */
export const messageIdSpan = 2 ** 48;

/** A part of a message that is larger than a datagram. All parts but the last are of one size, which follows from `length` and `count`. */
export interface Chunk {
  readonly tag: 'chunk';
  readonly id: number;
  /** Whether the receiver is to answer with an ack. */
  readonly ackWanted: boolean;
  readonly index: number;
  readonly count: number;
  /** Bytes of the whole message, and their crc32. */
  readonly length: number;
  readonly digest: number;
  readonly bytes: Uint8Array;
}

const ackStatuses = ['partial', 'complete', 'refused'] as const;

/** What a receiver holds of a message that comes in chunks. It is an answer to a chunk, and is itself never answered. */
export interface Ack {
  readonly tag: 'ack';
  readonly id: number;
  /** Names the receiver's attempt to put the message together; another one starts from nothing. */
  readonly assembly: number;
  /** `complete`: the message arrived; `refused`: it never will, for it is beyond the receiver's limits. Neither has a bitmap. */
  readonly status: (typeof ackStatuses)[number];
  /** The first chunk that is missing. */
  readonly missing: number;
  /** Bit k (of byte k >> 3, lowest first) says whether chunk `missing + 1 + k` is held; the last byte is not 0. */
  readonly bitmap: Uint8Array;
}

/** What a datagram carries. The byte strings are views of it. */
export type Frame = { readonly tag: 'bundle'; readonly messages: readonly Uint8Array[] } | Chunk | Ack;

/** The number that names a cluster in every frame, so that two clusters on one network do not hear each other. */
export const clusterIdOf = (clusterName: string): number => crc32(clusterName);

/** Bytes of each chunk but the last, which has what remains. */
export const chunkSizeOf = (length: number, count: number): number => Math.ceil(length / count);

// The kind is covered by starting the checksum from it; magic, version and cluster are compared exactly.
const checksum = (body: Uint8Array, clusterId: number, kind: number): number => crc32(body, (clusterId ^ kind) >>> 0);

const drops: Readonly<Record<DatagramDrop, E.Either<DatagramDrop, never>>> = {
  droppedSource: E.left('droppedSource'),
  droppedTooShort: E.left('droppedTooShort'),
  droppedMagic: E.left('droppedMagic'),
  droppedVersion: E.left('droppedVersion'),
  droppedCluster: E.left('droppedCluster'),
  droppedKind: E.left('droppedKind'),
  droppedChecksum: E.left('droppedChecksum'),
  droppedMalformed: E.left('droppedMalformed'),
  droppedTooMany: E.left('droppedTooMany'),
};

const uint16 = (b: Uint8Array, at: number): number => ((b[at] as number) << 8) | (b[at + 1] as number);

const uint32 = (b: Uint8Array, at: number): number => uint16(b, at) * 65_536 + uint16(b, at + 2);

const readBundle = (datagram: Uint8Array, messagesMax: number): E.Either<DatagramDrop, Frame> => {
  const messages: Uint8Array[] = [];
  let at = frameHeaderBytes;
  while (at < datagram.length) {
    if (at + bundledMessageHeaderBytes > datagram.length) return drops.droppedMalformed;
    const length = uint32(datagram, at);
    at += bundledMessageHeaderBytes;
    // No message is empty: otherwise one datagram could hold very many.
    if (length === 0 || length > datagram.length - at) return drops.droppedMalformed;
    if (messages.length === messagesMax) return drops.droppedTooMany;
    messages.push(new Uint8Array(datagram.buffer, datagram.byteOffset + at, length));
    at += length;
  }
  return messages.length === 0 ? drops.droppedMalformed : E.right({ tag: 'bundle', messages });
};

const readChunk = (datagram: Uint8Array): E.Either<DatagramDrop, Frame> => {
  if (datagram.length <= chunkFrameBytes) return drops.droppedMalformed;
  const at = frameHeaderBytes;
  const id = uint16(datagram, at) * 2 ** 32 + uint32(datagram, at + 2);
  const wanted = datagram[at + 6] as number;
  const index = uint32(datagram, at + 7);
  const count = uint32(datagram, at + 11);
  const length = uint32(datagram, at + 15);
  const digest = uint32(datagram, at + 19);
  const bytes = new Uint8Array(
    datagram.buffer,
    datagram.byteOffset + chunkFrameBytes,
    datagram.length - chunkFrameBytes,
  );
  if (wanted > 1 || count < 2 || index >= count) return drops.droppedMalformed;
  // Where the chunk lies follows from its index alone, so that no two can overlap and no length can be false.
  const size = chunkSizeOf(length, count);
  const last = length - (count - 1) * size;
  if (last < 1 || bytes.length !== (index === count - 1 ? last : size)) return drops.droppedMalformed;
  return E.right({ tag: 'chunk', id, ackWanted: wanted === 1, index, count, length, digest, bytes });
};

const readAck = (datagram: Uint8Array): E.Either<DatagramDrop, Frame> => {
  const at = frameHeaderBytes;
  const bitmapAt = at + ackHeaderBytes;
  if (datagram.length < bitmapAt || datagram.length > bitmapAt + ackBitmapBytesMax) return drops.droppedMalformed;
  const bitmap = new Uint8Array(datagram.buffer, datagram.byteOffset + bitmapAt, datagram.length - bitmapAt);
  const status = ackStatuses[datagram[at + 12] as number];
  if (status === undefined || bitmap.at(-1) === 0) return drops.droppedMalformed;
  if (status !== 'partial' && bitmap.length > 0) return drops.droppedMalformed;
  const id = uint16(datagram, at) * 2 ** 32 + uint32(datagram, at + 2);
  const assembly = uint16(datagram, at + 6) * 2 ** 32 + uint32(datagram, at + 8);
  return E.right({ tag: 'ack', id, assembly, status, missing: uint32(datagram, at + 13), bitmap });
};

/**
 * Reads a datagram of any bytes, the cheapest checks first; never throws. `Left` names the counter of what was wrong.
 * A bundle of more than `messagesMax` messages is refused.
 */
export const readFrame = (
  datagram: Uint8Array,
  clusterId: number,
  messagesMax: number,
): E.Either<DatagramDrop, Frame> => {
  if (datagram.length <= frameHeaderBytes) return drops.droppedTooShort;
  if (uint16(datagram, 0) !== magic) return drops.droppedMagic;
  if (datagram[2] !== version) return drops.droppedVersion;
  if (uint32(datagram, 4) !== clusterId) return drops.droppedCluster;
  const kind = datagram[3];
  if (kind !== bundleKind && kind !== chunkKind && kind !== ackKind) return drops.droppedKind;
  if (checksum(datagram.subarray(frameHeaderBytes), clusterId, kind) !== uint32(datagram, 8))
    return drops.droppedChecksum;
  if (kind === bundleKind) return readBundle(datagram, messagesMax);
  return kind === chunkKind ? readChunk(datagram) : readAck(datagram);
};

const seal = (datagram: Buffer, clusterId: number, kind: number): Buffer => {
  datagram.writeUInt16BE(magic, 0);
  datagram[2] = version;
  datagram[3] = kind;
  datagram.writeUInt32BE(clusterId, 4);
  datagram.writeUInt32BE(checksum(datagram.subarray(frameHeaderBytes), clusterId, kind), 8);
  return datagram;
};

/** Writes messages `from` (inclusive) to `to` (exclusive) in one datagram, copying each once. `bodyBytes` is what they take, headers included. */
export const writeBundle = (
  messages: readonly Uint8Array[],
  from: number,
  to: number,
  bodyBytes: number,
  clusterId: number,
): Buffer => {
  const datagram = Buffer.allocUnsafe(frameHeaderBytes + bodyBytes);
  let at = frameHeaderBytes;
  for (let i = from; i < to; i++) {
    const message = messages[i] as Uint8Array;
    at = datagram.writeUInt32BE(message.length, at);
    datagram.set(message, at);
    at += message.length;
  }
  return seal(datagram, clusterId, bundleKind);
};

/** Writes one chunk as a datagram. */
export const writeChunk = (chunk: Omit<Chunk, 'tag'>, clusterId: number): Buffer => {
  const datagram = Buffer.allocUnsafe(chunkFrameBytes + chunk.bytes.length);
  const at = datagram.writeUIntBE(chunk.id, frameHeaderBytes, 6);
  datagram[at] = chunk.ackWanted ? 1 : 0;
  datagram.writeUInt32BE(chunk.index, at + 1);
  datagram.writeUInt32BE(chunk.count, at + 5);
  datagram.writeUInt32BE(chunk.length, at + 9);
  datagram.writeUInt32BE(chunk.digest, at + 13);
  datagram.set(chunk.bytes, chunkFrameBytes);
  return seal(datagram, clusterId, chunkKind);
};

/** Writes an ack as a datagram. */
export const writeAck = (ack: Omit<Ack, 'tag'>, clusterId: number): Buffer => {
  const datagram = Buffer.allocUnsafe(frameHeaderBytes + ackHeaderBytes + ack.bitmap.length);
  const at = datagram.writeUIntBE(ack.assembly, datagram.writeUIntBE(ack.id, frameHeaderBytes, 6), 6);
  datagram[at] = ackStatuses.indexOf(ack.status);
  datagram.writeUInt32BE(ack.missing, at + 1);
  datagram.set(ack.bitmap, at + 5);
  return seal(datagram, clusterId, ackKind);
};
