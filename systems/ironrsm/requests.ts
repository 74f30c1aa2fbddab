/** Requests as batches hold them, the sessions that execute them as a state transfer carries them, and their digests (README.md, "Terms"). */
import { hash } from 'node:crypto';
import { BytePool } from '../../src/network/byte-pool.js';
import { codecOf } from '../../src/network/message-codec.js';
import { type IronSchemable, schema } from '../../src/network/schema.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';

/** A client asks for a session. */
export interface OpenRequest {
  readonly tag: 'open';
  readonly client: EndPoint;
  readonly nonce: number;
  readonly ordered: boolean;
}

/** A request of a session. `client` is where the answer goes; the session alone says whose it is. */
export interface ExecuteRequest {
  readonly tag: 'execute';
  readonly client: EndPoint;
  readonly session: number;
  readonly seqno: number;
  readonly floor: number;
  readonly value: Uint8Array;
}

/** What a batch is made of. */
export type Request = OpenRequest | ExecuteRequest;

/** Upper bounds of the wire form; a cluster's parameters set lower ones. */
export const wireMax = {
  valueBytes: 1 << 24,
  batchRequests: 4096,
  batchBytes: 1 << 26,
  votes: 65_536,
  pieceBytes: 1 << 26,
  cursorBytes: 1 << 16,
  sessions: 1 << 24,
  sessionsBytes: 1 << 29,
  done: 1 << 26,
} as const;

/** Ids of sessions lie below: a session's keys stay within the safe integers. */
export const sessionIdsMax = 2 ** 40;

/** What `value`s are, in requests and replies. */
export const replyFields = <S>(S: IronSchemable<S>) => ({ value: S.bytes(wireMax.valueBytes) });

/** The requests of one operation as bytes and back. Equal requests have equal bytes. The values of decoded requests are views of a copy of the bytes. */
export const batchCodec = codecOf<readonly Request[]>(
  schema((S) =>
    S.list<Request>(
      S.sum('tag')({
        open: S.struct({ tag: S.literal('open'), client: S.endPoint, nonce: S.nat, ordered: S.boolean }),
        execute: S.struct({
          tag: S.literal('execute'),
          client: S.endPoint,
          session: S.nat,
          seqno: S.nat,
          floor: S.nat,
          ...replyFields(S),
        }),
      }),
      wireMax.batchRequests,
    ),
  ),
);

/** A live session, at its place in the ring. */
export interface SessionRecord {
  readonly id: number;
  readonly floor: number;
  readonly high: number;
  readonly ordered: boolean;
  readonly used: boolean;
}

/** An executed request at or above its session's floor. */
export interface DoneRecord {
  readonly session: number;
  readonly seqno: number;
  readonly digest: number;
  readonly reply: Uint8Array;
}

/** The sessions of a state as a transfer carries them. */
export interface SessionsRecord {
  readonly nextSession: number;
  readonly first: number;
  readonly ring: readonly SessionRecord[];
  readonly done: readonly DoneRecord[];
}

/** Sessions as bytes and back. */
export const sessionsCodec = codecOf<SessionsRecord>(
  schema((S) =>
    S.struct<SessionsRecord>({
      nextSession: S.int(0, sessionIdsMax),
      first: S.nat,
      ring: S.list<SessionRecord>(
        S.struct<SessionRecord>({
          id: S.int(0, sessionIdsMax - 1),
          floor: S.nat,
          high: S.nat,
          ordered: S.boolean,
          used: S.boolean,
        }),
        wireMax.sessions,
      ),
      done: S.list<DoneRecord>(
        S.struct<DoneRecord>({
          session: S.int(0, sessionIdsMax - 1),
          seqno: S.nat,
          digest: S.int(0, natMax),
          reply: S.bytes(wireMax.valueBytes),
        }),
        wireMax.done,
      ),
    }),
  ),
);

/** Length of a digest of bytes. */
export const digestBytes = 16;

const digestPool = new BytePool();

/** The digest by which votes name a batch and pieces of a state are checked: 16 bytes of SHA-256, the caller's own. Nobody is known to find two inputs with one digest. */
export const digestOf = (bytes: Uint8Array): Uint8Array =>
  digestPool.copy(hash('sha256', bytes, 'buffer').subarray(0, digestBytes));

/**
 * The digest of a request's value, a safe integer: it tells a retry from a seqno that was used twice, which only a client with
 * a bug does. 53 bits mixed as in MurmurHash3; not made to withstand an adversary.
 */
export const requestDigest = (value: Uint8Array): number => {
  let a = 0x9747b28c ^ value.length;
  let b = 0x41c6ce57;
  for (let i = 0; i < value.length; i++) {
    const byte = value[i] as number;
    a = Math.imul(a ^ byte, 0x85ebca6b);
    b = Math.imul(b ^ byte, 0xc2b2ae35);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1f_ffff) * 0x1_0000_0000 + (a >>> 0);
};

/** What a part costs in `joined` besides its own bytes. */
export const partHeaderBytes = 4;

// Replies live until their session's floor passes them, and digests as long as votes: neither should keep blocks of the other alive.
const joinedPool = new BytePool();

/**
 * Several byte strings as one, the caller's own: the operations that a request's value holds, and their replies. Each is its length in
 * four bytes, big-endian, and its bytes.
 */
export const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += partHeaderBytes + (parts[i] as Uint8Array).length;
  const bytes = joinedPool.take(length);
  let at = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Uint8Array;
    bytes[at] = part.length >>> 24;
    bytes[at + 1] = part.length >>> 16;
    bytes[at + 2] = part.length >>> 8;
    bytes[at + 3] = part.length;
    bytes.set(part, at + partHeaderBytes);
    at += partHeaderBytes + part.length;
  }
  return bytes;
};

/** What `joined` joined, as views of `bytes`; none where `bytes` are nothing that it made. */
export const parted = (bytes: Uint8Array): readonly Uint8Array[] => {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at + partHeaderBytes <= bytes.length) {
    const high = (bytes[at] as number) * 0x100_0000 + ((bytes[at + 1] as number) << 16);
    const end = at + partHeaderBytes + high + ((bytes[at + 2] as number) << 8) + (bytes[at + 3] as number);
    if (end > bytes.length) return [];
    parts.push(bytes.subarray(at + partHeaderBytes, end));
    at = end;
  }
  return at === bytes.length ? parts : [];
};
