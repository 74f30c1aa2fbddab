/** The key-value application: get, set, del, cas and incr on byte strings. */
import { BytePool } from '../../../src/network/byte-pool.js';
import { codecOf } from '../../../src/network/message-codec.js';
import { type Schema, schema } from '../../../src/network/schema.js';
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { natMax } from '../../../src/spec/nat.js';
import { E, unreachable } from '../../../src/spec/prelude.js';
import type { Application, Applied, Piece } from '../application.js';

/** The longest key, in bytes. */
export const keyBytesMax = 4096;

/** The longest value, in bytes; the cluster's `requestBytesMax` may set a lower bound. */
export const valueBytesMax = 1_048_576;

// The bound of a list in a piece: more entries than any message holds.
const entriesMax = 0xffff_ffff;

/** What an entry takes in a piece besides its key and its value, at most. */
const entryHeaderBytes = 11;

/** What a client may ask. In `cas`, `old` null means that the key must be absent. */
export type KvCommand =
  | { readonly tag: 'get'; readonly key: Uint8Array }
  | { readonly tag: 'set'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly tag: 'del'; readonly key: Uint8Array }
  | { readonly tag: 'cas'; readonly key: Uint8Array; readonly old: Uint8Array | null; readonly new: Uint8Array }
  | { readonly tag: 'incr'; readonly key: Uint8Array };

/**
 * Why a command changed nothing: its bytes are no command; the value to increment is no decimal integer; that value or its
 * successor leaves the safe integers.
 */
export type KvError = 'MALFORMED' | 'NOT_AN_INTEGER' | 'OUT_OF_RANGE';

/** The answers: `value` to get, `ok` to set, `done` to del (was it there?) and cas (did it swap?), `number` to incr, `error` to any. */
export type KvReply =
  | { readonly tag: 'value'; readonly value: Uint8Array | null }
  | { readonly tag: 'ok' }
  | { readonly tag: 'done'; readonly done: boolean }
  | { readonly tag: 'number'; readonly number: number }
  | { readonly tag: 'error'; readonly error: KvError };

/** The schema of commands. */
export const kvCommand: Schema<KvCommand> = schema((S) =>
  S.sum('tag')({
    get: S.struct({ tag: S.literal('get'), key: S.bytes(keyBytesMax) }),
    set: S.struct({ tag: S.literal('set'), key: S.bytes(keyBytesMax), value: S.bytes(valueBytesMax) }),
    del: S.struct({ tag: S.literal('del'), key: S.bytes(keyBytesMax) }),
    cas: S.struct({
      tag: S.literal('cas'),
      key: S.bytes(keyBytesMax),
      old: S.nullable(S.bytes(valueBytesMax)),
      new: S.bytes(valueBytesMax),
    }),
    incr: S.struct({ tag: S.literal('incr'), key: S.bytes(keyBytesMax) }),
  }),
);

/** The schema of replies. */
export const kvReply: Schema<KvReply> = schema((S) =>
  S.sum('tag')({
    value: S.struct({ tag: S.literal('value'), value: S.nullable(S.bytes(valueBytesMax)) }),
    ok: S.struct({ tag: S.literal('ok') }),
    done: S.struct({ tag: S.literal('done'), done: S.boolean }),
    number: S.struct({ tag: S.literal('number'), number: S.int(-natMax, natMax) }),
    error: S.struct({ tag: S.literal('error'), error: S.literal('MALFORMED', 'NOT_AN_INTEGER', 'OUT_OF_RANGE') }),
  }),
);

interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const kvPiece: Schema<readonly KvEntry[]> = schema((S) =>
  S.list(S.struct({ key: S.bytes(keyBytesMax), value: S.bytes(valueBytesMax) }), entriesMax),
);

const commandCodec = codecOf(kvCommand);
const replyCodec = codecOf(kvReply);
const pieceCodec = codecOf(kvPiece);

/** A command as the bytes of a request, the caller's own. Throws on a key or value above its bound. */
export const encodeCommand = (command: KvCommand): Uint8Array => commandCodec.encode(command);

/** The reply in the bytes that a replica sent; `Left` says why there is none. Never throws. */
export const decodeReply = (bytes: Uint8Array): E.Either<string, KvReply> => replyCodec.decode(bytes);

/** The values by key. A key's bytes are the code units of its string (latin1), so that equal keys are equal strings. */
export type KvState = PersistentMap<string, Uint8Array>;

/** The key under which the state holds `key`. */
export const stateKey = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const decimal = /^(?:0|-?[1-9][0-9]*)$/;

/** One more than the integer in `value`, of which an absent one counts as 0. Only the one way to write an integer is read, as in Redis. */
const incremented = (value: Uint8Array | undefined): E.Either<KvError, number> => {
  const text = value === undefined ? '0' : stateKey(value);
  if (!decimal.test(text)) return E.left('NOT_AN_INTEGER');
  const before = Number(text);
  return Number.isSafeInteger(before) && before < natMax ? E.right(before + 1) : E.left('OUT_OF_RANGE');
};

/** The reply to every `set`, encoded once; each gets bytes of its own. */
const stored = replyCodec.encode({ tag: 'ok' });
const replies = new BytePool();

const answer = (state: KvState, reply: KvReply): Applied<KvState> => ({ state, reply: replyCodec.encode(reply) });

/** Values that the state keeps. */
const values = new BytePool();

/** `value` for the state: a copy where it is a view of a much larger buffer, which the state would keep alive. */
const kept = (value: Uint8Array): Uint8Array =>
  value.buffer.byteLength > 2 * value.length ? values.copy(value) : value;

const applyIncr = (state: KvState, key: string): Applied<KvState> => {
  const result = incremented(state.get(key));
  if (E.isLeft(result)) return answer(state, { tag: 'error', error: result.left });
  const value = new TextEncoder().encode(String(result.right));
  return answer(state.set(key, value), { tag: 'number', number: result.right });
};

const applyCas = (state: KvState, command: Extract<KvCommand, { tag: 'cas' }>): Applied<KvState> => {
  const key = stateKey(command.key);
  const current = state.get(key);
  const matches =
    command.old === null ? current === undefined : current !== undefined && sameBytes(current, command.old);
  return answer(matches ? state.set(key, kept(command.new)) : state, { tag: 'done', done: matches });
};

const applyCommand = (state: KvState, command: KvCommand): Applied<KvState> => {
  const key = stateKey(command.key);
  switch (command.tag) {
    case 'get':
      return answer(state, { tag: 'value', value: state.get(key) ?? null });
    case 'set':
      return { state: state.set(key, kept(command.value)), reply: replies.copy(stored) };
    case 'del':
      return answer(state.delete(key), { tag: 'done', done: state.has(key) });
    case 'cas':
      return applyCas(state, command);
    case 'incr':
      return applyIncr(state, key);
    default:
      return unreachable(command);
  }
};

const keyBytesOf = (key: string): Uint8Array => Buffer.from(key, 'latin1');

/** The entries behind the key `after` in the order of the map, as many as fit but at least one. */
const piece = (state: KvState, after: Uint8Array | null, bytesMax: number): Piece | undefined => {
  const walk = state.entriesAfter(after === null ? undefined : stateKey(after));
  if (walk === undefined) return undefined;
  const entries: KvEntry[] = [];
  let bytes = 0;
  for (const [key, value] of walk) {
    bytes += key.length + value.length + entryHeaderBytes;
    const last = entries.at(-1);
    if (last !== undefined && bytes > bytesMax)
      return { bytes: pieceCodec.encode(entries), next: new Uint8Array(last.key) };
    entries.push({ key: keyBytesOf(key), value });
  }
  return { bytes: pieceCodec.encode(entries), next: null };
};

const join = (state: KvState, bytes: Uint8Array): E.Either<string, KvState> => {
  const decoded = pieceCodec.decode(bytes);
  if (E.isLeft(decoded)) return decoded;
  const joined = state.withMutations((draft) => {
    // Copies: a value must not keep the whole piece alive.
    for (const { key, value } of decoded.right) draft.set(stateKey(key), values.copy(value));
  });
  return joined.size === state.size + decoded.right.length ? E.right(joined) : E.left('a key stands there twice');
};

/** The key-value application. A request that is no command is answered with an error, never an exception. */
export const kv: Application<KvState> = {
  name: 'kv',
  initial: PersistentMap.empty(),
  apply: (state, request) => {
    const command = commandCodec.decode(request);
    if (E.isLeft(command)) return answer(state, { tag: 'error', error: 'MALFORMED' });
    return applyCommand(state, command.right);
  },
  piece,
  join,
};
