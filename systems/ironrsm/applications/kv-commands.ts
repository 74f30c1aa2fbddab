/** What clients of the key-value application ask and are told: shapes and wire form. What a command does is said by `kv.ts`. */
import { codecOf } from '../../../src/network/message-codec.js';
import { type IronSchemable, type Schema, schema } from '../../../src/network/schema.js';
import { natMax } from '../../../src/spec/nat.js';
import type { E } from '../../../src/spec/prelude.js';

/** The longest key, in bytes. */
export const keyBytesMax = 4096;

/** The longest value, in bytes; the cluster's `requestBytesMax` may set a lower bound. */
export const valueBytesMax = 1_048_576;

/** Commands in one `all`. */
export const allCommandsMax = 65_536;

/** Bytes of the values in the reply to one `all`. */
export const allValuesBytesMax = 8 * valueBytesMax;

/** One operation on one key. In `cas`, `old` null means that the key must be absent. `incr` adds one; `by` may be negative. */
export type KvKeyCommand =
  | { readonly tag: 'get'; readonly key: Uint8Array }
  | { readonly tag: 'set'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly tag: 'del'; readonly key: Uint8Array }
  | { readonly tag: 'cas'; readonly key: Uint8Array; readonly old: Uint8Array | null; readonly new: Uint8Array }
  | { readonly tag: 'incr'; readonly key: Uint8Array }
  | { readonly tag: 'length'; readonly key: Uint8Array }
  | {
      readonly tag: 'setIf';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly when: 'absent' | 'present';
    }
  | { readonly tag: 'swap'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly tag: 'add'; readonly key: Uint8Array; readonly by: number }
  | { readonly tag: 'append'; readonly key: Uint8Array; readonly value: Uint8Array };

/** What a client may ask. `all` executes its commands in order and at one moment; `size` counts the keys. */
export type KvCommand =
  | KvKeyCommand
  | { readonly tag: 'all'; readonly commands: readonly KvKeyCommand[] }
  | { readonly tag: 'size' };

/**
 * Why a command changed nothing: its bytes are no command; the value to add to is no decimal integer; that value or the sum leaves the
 * safe integers; the result would be longer than a value may be; the values that `all` reads are more than a reply takes.
 */
export type KvError = 'MALFORMED' | 'NOT_AN_INTEGER' | 'OUT_OF_RANGE' | 'VALUE_TOO_LARGE' | 'REPLY_TOO_LARGE';

/**
 * The answers to one operation: `value` to get and swap (the value before), `ok` to set, `done` to del (was it there?), cas and setIf (did it
 * take place?), `number` to incr, add (the sum) and append (the length of the result), `length` to length (null: absent), `error` to any.
 */
export type KvKeyReply =
  | { readonly tag: 'value'; readonly value: Uint8Array | null }
  | { readonly tag: 'ok' }
  | { readonly tag: 'done'; readonly done: boolean }
  | { readonly tag: 'number'; readonly number: number }
  | { readonly tag: 'error'; readonly error: KvError }
  | { readonly tag: 'length'; readonly length: number | null };

/** The answers: of one operation, `all` (one for each command) and `number` to size. */
export type KvReply = KvKeyReply | { readonly tag: 'all'; readonly replies: readonly KvKeyReply[] };

// A sum's members are told apart by their place, a literal's too: what is new comes last, so that the rest keeps its bytes.
const keyCommands = <S>(S: IronSchemable<S>) => {
  const key = S.bytes(keyBytesMax);
  const value = S.bytes(valueBytesMax);
  return {
    get: S.struct({ tag: S.literal('get'), key }),
    set: S.struct({ tag: S.literal('set'), key, value }),
    del: S.struct({ tag: S.literal('del'), key }),
    cas: S.struct({ tag: S.literal('cas'), key, old: S.nullable(value), new: value }),
    incr: S.struct({ tag: S.literal('incr'), key }),
    length: S.struct({ tag: S.literal('length'), key }),
    setIf: S.struct({ tag: S.literal('setIf'), key, value, when: S.literal('absent', 'present') }),
    swap: S.struct({ tag: S.literal('swap'), key, value }),
    add: S.struct({ tag: S.literal('add'), key, by: S.int(-natMax, natMax) }),
    append: S.struct({ tag: S.literal('append'), key, value }),
  };
};

/** The schema of commands. */
export const kvCommand: Schema<KvCommand> = schema((S) => {
  const commands = S.list<KvKeyCommand>(S.sum('tag')(keyCommands(S)), allCommandsMax);
  return S.sum('tag')({
    ...keyCommands(S),
    all: S.struct({ tag: S.literal('all'), commands }),
    size: S.struct({ tag: S.literal('size') }),
  });
});

const keyReplies = <S>(S: IronSchemable<S>) => ({
  value: S.struct({ tag: S.literal('value'), value: S.nullable(S.bytes(valueBytesMax)) }),
  ok: S.struct({ tag: S.literal('ok') }),
  done: S.struct({ tag: S.literal('done'), done: S.boolean }),
  number: S.struct({ tag: S.literal('number'), number: S.int(-natMax, natMax) }),
  error: S.struct({
    tag: S.literal('error'),
    error: S.literal('MALFORMED', 'NOT_AN_INTEGER', 'OUT_OF_RANGE', 'VALUE_TOO_LARGE', 'REPLY_TOO_LARGE'),
  }),
  length: S.struct({ tag: S.literal('length'), length: S.nullable(S.nat) }),
});

/** The schema of replies. */
export const kvReply: Schema<KvReply> = schema((S) =>
  S.sum('tag')({
    ...keyReplies(S),
    all: S.struct({
      tag: S.literal('all'),
      replies: S.list<KvKeyReply>(S.sum('tag')(keyReplies(S)), allCommandsMax),
    }),
  }),
);

/** Commands as the bytes of an operation, and back. */
export const commandCodec = codecOf(kvCommand);

/** Replies as bytes, and back. */
export const replyCodec = codecOf(kvReply);

/** A command as the bytes of an operation, the caller's own. Throws on a key or value above its bound. */
export const encodeCommand = (command: KvCommand): Uint8Array => commandCodec.encode(command);

/** The reply in the bytes that a replica sent; `Left` says why there is none. Never throws. */
export const decodeReply = (bytes: Uint8Array): E.Either<string, KvReply> => replyCodec.decode(bytes);
