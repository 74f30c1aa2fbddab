/**
 * The form of a journal on disk, version 1 (docs/audit.md has the tables). A journal is one node's in one incarnation: files that
 * follow each other, each a header and then blocks. All numbers are big-endian.
 *
 * Every header and every block ends in a digest of the digest before it and of its own bytes. The digest before stands in the
 * file right before a block, so that the two are hashed as they lie there.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { E } from '../../spec/prelude.js';

/** The first bytes of each file. */
export const magic = 'IKJRNL';

/** The version of the form, which is the only one that can be read. */
export const version = 1;

/** Bytes of a digest: sha256. */
export const digestBytes = 32;

/** What stands for the digest before the first file. */
export const noDigest = Buffer.alloc(digestBytes);

/** Magic, version (u16), length of the header's JSON (u32). */
export const preambleBytes = 12;

/** A header is below this. */
export const headerBytesMax = 1024 * 1024;

/** Length of the body (u32), kind (u8), number of the block (u48), step (u48), checksum of these (u32). */
export const blockHeaderBytes = 21;

/** Kind (u8), index in its step (u32), length of the payload (u32); after the payload a checksum (u32). */
export const recordHeaderBytes = 9;

/** Bytes of the checksum of a record. */
export const checksumBytes = 4;

/** Bytes of an end point: address and port. */
export const endPointBytes = 6;

/** A block is below this: larger lengths are no lengths. */
export const bodyBytesMax = 2 ** 31;

/**
 * The kinds of blocks. A `step` left its node when it was written, a `queuedStep` when a `released` mark of it or a later step
 * says so. `durable` and `recovered` are for nodes with a store. `rotated` ends a file that is not the last, `ended` the last.
 */
export const blockKinds = {
  step: 1,
  queuedStep: 2,
  released: 3,
  durable: 4,
  recovered: 5,
  rotated: 6,
  ended: 7,
} as const;

/** The kinds of records of a step. `sameSend` and `sameSelf` have the bytes of an earlier record of the step. */
export const recordKinds = {
  receive: 1,
  clock: 2,
  timeout: 3,
  send: 4,
  sameSend: 5,
  self: 6,
  sameSelf: 7,
  /** Gives an action record a number in this file. */
  action: 8,
  /** The actions of the step, by their numbers, in order. */
  actions: 9,
} as const;

/** The name of a kind of record, for sentences. */
export const recordName = (kind: number): string =>
  Object.entries(recordKinds).find(([, k]) => k === kind)?.[0] ?? 'unknown';

/** Bytes of the number of an action record. */
export const actionNumberBytes = 4;

/** A file with more numbered action records than this begins to number them anew. */
export const numberedActionsMax = 0xffff;

/** Whose journal it is, and of which cluster: what the configuration file says, so that an audit needs nothing else. */
export interface JournalIdentity {
  readonly system: string;
  readonly cluster: string;
  readonly application: string | null;
  readonly nodes: readonly { readonly id: string; readonly address: string }[];
  /** Who may give the nodes orders; absent where the system knows no such role. */
  readonly administrators?: readonly string[];
  readonly parameters: Readonly<Record<string, number>>;
  /** The id of the node. */
  readonly node: string;
  /** From 1: how often the node has begun to write a journal. */
  readonly incarnation: number;
}

/** What a file says of itself. */
export interface JournalHeader extends JournalIdentity {
  /** A digest of what all nodes of the cluster have in common. */
  readonly configuration: string;
  /** From 1, in the incarnation. */
  readonly file: number;
  readonly firstStep: number;
  readonly firstBlock: number;
}

/** The digest of system, cluster, application, nodes, administrators and parameters, in hexadecimal digits. */
export const configurationDigest = (identity: JournalIdentity): string => {
  const { system, cluster, application, nodes, administrators = [], parameters } = identity;
  const sorted = Object.keys(parameters).sort();
  const plain = [
    system,
    cluster,
    application,
    nodes.map((n) => [n.id, n.address]),
    administrators,
    sorted.map((k) => [k, parameters[k]]),
  ];
  return hash('sha256', JSON.stringify(plain), 'hex');
};

/** The name of a file. */
export const journalFileName = (node: string, incarnation: number, file: number): string =>
  `${node}.${incarnation}.${String(file).padStart(6, '0')}.journal`;

/** The digest of bytes that begin with the digest before them. */
export const digestOf = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

/** The checksum of a record, which lies between `from` and `to`; it is bound to its step. */
export const recordChecksum = (bytes: Buffer, from: number, to: number, step: number): number =>
  crc32(bytes.subarray(from, to), step >>> 0);

/** A header's bytes: preamble, JSON, the digest before the file, and the digest of all that. */
export const encodeHeader = (header: JournalHeader, before: Uint8Array): Buffer => {
  const json = Buffer.from(JSON.stringify(header));
  const preamble = Buffer.alloc(preambleBytes);
  preamble.write(magic, 0, 'latin1');
  preamble.writeUInt16BE(version, magic.length);
  preamble.writeUInt32BE(json.length, magic.length + 2);
  const bytes = Buffer.concat([preamble, json, before]);
  return Buffer.concat([bytes, digestOf(bytes)]);
};

/** A header that was read, the digest before its file and its own. */
export interface ReadHeader {
  readonly header: JournalHeader;
  readonly before: Buffer;
  readonly digest: Buffer;
  /** Where the first block begins. */
  readonly length: number;
}

const isHeader = (h: Partial<Record<keyof JournalHeader, unknown>> | null): h is JournalHeader => {
  const texts = [h?.system, h?.cluster, h?.node, h?.configuration].every((v) => typeof v === 'string');
  const numbers = [h?.incarnation, h?.file, h?.firstStep, h?.firstBlock].every((v) => Number.isSafeInteger(v));
  const isList = Array.isArray(h?.nodes) && (h.administrators === undefined || Array.isArray(h.administrators));
  const rest = isList && typeof h.parameters === 'object' && h.application !== undefined;
  return texts && numbers && rest;
};

/** Why a file has no header: it is no journal that can be read, or one that was altered or cut off. */
export interface HeaderFault {
  readonly kind: 'foreign' | 'altered' | 'cut';
  readonly why: string;
}

const noHeader = (kind: HeaderFault['kind'], why: string): E.Either<HeaderFault, never> => E.left({ kind, why });

/** Reads the header at the start of a file's bytes, of which there may be too few. */
export const decodeHeader = (bytes: Buffer): E.Either<HeaderFault, ReadHeader> => {
  if (!magic.startsWith(bytes.toString('latin1', 0, magic.length)))
    return noHeader('foreign', 'it is not a journal of a node');
  if (bytes.length < preambleBytes) return noHeader('cut', 'its header is cut off');
  const found = bytes.readUInt16BE(magic.length);
  if (found !== version)
    return noHeader('foreign', `it is of version ${found}, and only version ${version} can be read`);
  const jsonEnd = preambleBytes + bytes.readUInt32BE(magic.length + 2);
  const end = jsonEnd + 2 * digestBytes;
  if (jsonEnd > headerBytesMax) return noHeader('altered', 'its header was altered');
  if (bytes.length < end) return noHeader('cut', 'its header is cut off');
  const digest = bytes.subarray(end - digestBytes, end);
  if (!digestOf(bytes.subarray(0, end - digestBytes)).equals(digest))
    return noHeader('altered', 'its header was altered');
  try {
    const header = JSON.parse(bytes.toString('utf8', preambleBytes, jsonEnd)) as JournalHeader;
    if (!isHeader(header)) return noHeader('altered', 'its header lacks a field');
    return E.right({ header, before: bytes.subarray(jsonEnd, jsonEnd + digestBytes), digest, length: end });
  } catch {
    return noHeader('altered', 'its header is not JSON');
  }
};
