/** The key-value application: byte strings by key, with conditional writes, and several commands at one moment. */
import { BytePool } from '../../../src/network/byte-pool.js';
import { codecOf } from '../../../src/network/message-codec.js';
import { type Schema, schema } from '../../../src/network/schema.js';
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { E, unreachable } from '../../../src/spec/prelude.js';
import type { Application, Applied, Piece } from '../application.js';
import {
  allValuesBytesMax,
  commandCodec,
  type KvCommand,
  type KvError,
  type KvKeyCommand,
  type KvKeyReply,
  type KvReply,
  keyBytesMax,
  replyCodec,
  valueBytesMax,
} from './kv-commands.js';

export {
  allCommandsMax,
  allValuesBytesMax,
  decodeReply,
  encodeCommand,
  type KvCommand,
  type KvError,
  type KvKeyCommand,
  type KvKeyReply,
  type KvReply,
  keyBytesMax,
  kvCommand,
  kvReply,
  valueBytesMax,
} from './kv-commands.js';

// The bound of a list in a piece: more entries than any message holds.
const entriesMax = 0xffff_ffff;

/** What an entry takes in a piece besides its key and its value, at most. */
const entryHeaderBytes = 11;

interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const kvPiece: Schema<readonly KvEntry[]> = schema((S) =>
  S.list(S.struct({ key: S.bytes(keyBytesMax), value: S.bytes(valueBytesMax) }), entriesMax),
);

const pieceCodec = codecOf(kvPiece);

/** The values by key. A key's bytes are the code units of its string (latin1), so that equal keys are equal strings. */
export type KvState = PersistentMap<string, Uint8Array>;

/** The key under which the state holds `key`. */
export const stateKey = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const decimal = /^(?:0|-?[1-9][0-9]*)$/;

/** The sum of the integer in `value`, of which an absent one counts as 0, and `by`. Only the one way to write an integer is read, as in Redis. */
const summed = (value: Uint8Array | undefined, by: number): E.Either<KvError, number> => {
  const text = value === undefined ? '0' : stateKey(value);
  if (!decimal.test(text)) return E.left('NOT_AN_INTEGER');
  const before = Number(text);
  const sum = before + by;
  return Number.isSafeInteger(before) && Number.isSafeInteger(sum) ? E.right(sum) : E.left('OUT_OF_RANGE');
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

/** What an operation leaves and tells. */
interface Told {
  readonly state: KvState;
  readonly reply: KvKeyReply;
}

const refused = (state: KvState, error: KvError): Told => ({ state, reply: { tag: 'error', error } });

const add = (state: KvState, key: string, by: number): Told => {
  const sum = summed(state.get(key), by);
  if (E.isLeft(sum)) return refused(state, sum.left);
  const value = new TextEncoder().encode(String(sum.right));
  return { state: state.set(key, value), reply: { tag: 'number', number: sum.right } };
};

const append = (state: KvState, key: string, more: Uint8Array): Told => {
  const before = state.get(key);
  const length = (before?.length ?? 0) + more.length;
  if (length > valueBytesMax) return refused(state, 'VALUE_TOO_LARGE');
  const value = values.take(length);
  if (before !== undefined) value.set(before);
  value.set(more, length - more.length);
  return { state: state.set(key, value), reply: { tag: 'number', number: length } };
};

/** Stores `value` where `takesPlace`, and says whether it did. */
const setWhere = (state: KvState, key: string, value: Uint8Array, takesPlace: boolean): Told => ({
  state: takesPlace ? state.set(key, kept(value)) : state,
  reply: { tag: 'done', done: takesPlace },
});

const isAt = (current: Uint8Array | undefined, old: Uint8Array | null): boolean =>
  old === null ? current === undefined : current !== undefined && sameBytes(current, old);

const applyToKey = (state: KvState, command: KvKeyCommand): Told => {
  const key = stateKey(command.key);
  switch (command.tag) {
    case 'get':
      return { state, reply: { tag: 'value', value: state.get(key) ?? null } };
    case 'set':
      return { state: state.set(key, kept(command.value)), reply: { tag: 'ok' } };
    case 'del':
      return { state: state.delete(key), reply: { tag: 'done', done: state.has(key) } };
    case 'cas':
      return setWhere(state, key, command.new, isAt(state.get(key), command.old));
    case 'incr':
      return add(state, key, 1);
    case 'length':
      return { state, reply: { tag: 'length', length: state.get(key)?.length ?? null } };
    case 'setIf':
      return setWhere(state, key, command.value, state.has(key) === (command.when === 'present'));
    case 'swap':
      return { reply: { tag: 'value', value: state.get(key) ?? null }, state: state.set(key, kept(command.value)) };
    case 'add':
      return add(state, key, command.by);
    case 'append':
      return append(state, key, command.value);
    default:
      return unreachable(command);
  }
};

/** One command after the other; nothing where the reply would be too large. */
const applyAll = (before: KvState, commands: readonly KvKeyCommand[]): Applied<KvState> => {
  const told: KvKeyReply[] = [];
  let state = before;
  let valuesBytes = 0;
  for (const command of commands) {
    const one = applyToKey(state, command);
    if (one.reply.tag === 'value') valuesBytes += one.reply.value?.length ?? 0;
    if (valuesBytes > allValuesBytesMax) return answer(before, { tag: 'error', error: 'REPLY_TOO_LARGE' });
    state = one.state;
    told.push(one.reply);
  }
  return answer(state, { tag: 'all', replies: told });
};

const applyCommand = (state: KvState, command: KvCommand): Applied<KvState> => {
  switch (command.tag) {
    case 'set':
      return { state: applyToKey(state, command).state, reply: replies.copy(stored) };
    case 'all':
      return applyAll(state, command.commands);
    case 'size':
      return answer(state, { tag: 'number', number: state.size });
    default: {
      const told = applyToKey(state, command);
      return answer(told.state, told.reply);
    }
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
