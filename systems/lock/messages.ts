/** The messages of the lock (README.md has the table), from one schema: codec, guard, equality and generator. */
import type { Codec } from '../../src/network/codec.js';
import { codecOf } from '../../src/network/message-codec.js';
import { schema, type TypeOf } from '../../src/network/schema.js';

/** Every message of the system. An epoch counts the holders of the lock: the first one holds it in epoch 1. */
export const lockSchema = schema((S) =>
  S.sum('tag')({
    /** A node to the next one: you hold the lock, in this epoch. */
    transfer: S.struct({ tag: S.literal('transfer'), epoch: S.nat }),
    /** The answer to the granter: I have held the lock in this epoch. */
    locked: S.struct({ tag: S.literal('locked'), epoch: S.nat }),
    /** Anyone to a node: do you hold the lock? */
    statusRequest: S.struct({ tag: S.literal('statusRequest'), nonce: S.nat }),
    /** The answer: whether I hold the lock now, and the last epoch in which I did (0: never). */
    status: S.struct({ tag: S.literal('status'), nonce: S.nat, holds: S.boolean, epoch: S.nat }),
  }),
);

export type LockMessage = TypeOf<typeof lockSchema>;

/** One message of a kind. */
export type Message<T extends LockMessage['tag']> = Extract<LockMessage, { tag: T }>;

/** The wire form. */
export const lockCodec: Codec<LockMessage> = codecOf(lockSchema);
