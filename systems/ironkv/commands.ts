/** What clients of IronKV ask and are told (README.md, "Commands"): shapes and wire form only. What a command does is said by `spec.ts`. */
import { type Schema, schema } from '../../src/network/schema.js';
import { natMax } from '../../src/spec/nat.js';

/**
 * Upper bounds of the wire form; a cluster's parameters set lower ones. Keys and values have room above the largest
 * parameters, so that what is a little too long is refused by name and not dropped as malformed.
 */
export const wireMax = {
  keyBytes: 65_536,
  valueBytes: (1 << 24) + 65_536,
} as const;

/** When a `set` takes place: always, only if the key is absent, only if it is present. */
export type When = 'always' | 'absent' | 'present';

/** What reads. */
export type Read =
  /** The value. */
  | { readonly tag: 'get'; readonly key: Uint8Array }
  /** The length of the value, in bytes. */
  | { readonly tag: 'length'; readonly key: Uint8Array };

/** What may change the value at a key. */
export type Write =
  | { readonly tag: 'set'; readonly key: Uint8Array; readonly value: Uint8Array; readonly when: When }
  | { readonly tag: 'delete'; readonly key: Uint8Array }
  /** `old` null: the key must be absent. */
  | {
      readonly tag: 'compareAndSet';
      readonly key: Uint8Array;
      readonly old: Uint8Array | null;
      readonly value: Uint8Array;
    }
  /** `by` may be negative. */
  | { readonly tag: 'increment'; readonly key: Uint8Array; readonly by: number }
  | { readonly tag: 'append'; readonly key: Uint8Array; readonly value: Uint8Array };

/** One operation on one key. */
export type Command = Read | Write;

/** Why an executed command changed nothing: the value is no decimal integer, the sum leaves the safe integers, the result would be too long. */
export type CommandError = 'NOT_AN_INTEGER' | 'OUT_OF_RANGE' | 'VALUE_TOO_LARGE';

/** The outcome of a write. Small whatever the values: hosts keep it to answer retries. */
export type WriteOutcome =
  /** Of set, delete and compareAndSet: whether it took place. */
  | { readonly tag: 'done'; readonly done: boolean }
  /** Of increment: the sum. Of append: the length of the result, in bytes. */
  | { readonly tag: 'number'; readonly number: number }
  | { readonly tag: 'failed'; readonly error: CommandError };

/** The outcome of a read; null where the key is absent. */
export type ReadOutcome =
  | { readonly tag: 'value'; readonly value: Uint8Array | null }
  | { readonly tag: 'length'; readonly length: number | null };

/** What a reply tells. */
export type Outcome = WriteOutcome | ReadOutcome;

/** The schema of commands. */
export const commandSchema: Schema<Command> = schema((S) => {
  const key = S.bytes(wireMax.keyBytes);
  const value = S.bytes(wireMax.valueBytes);
  return S.sum('tag')({
    get: S.struct({ tag: S.literal('get'), key }),
    length: S.struct({ tag: S.literal('length'), key }),
    set: S.struct({ tag: S.literal('set'), key, value, when: S.literal('always', 'absent', 'present') }),
    delete: S.struct({ tag: S.literal('delete'), key }),
    compareAndSet: S.struct({ tag: S.literal('compareAndSet'), key, old: S.nullable(value), value }),
    increment: S.struct({ tag: S.literal('increment'), key, by: S.int(-natMax, natMax) }),
    append: S.struct({ tag: S.literal('append'), key, value }),
  });
});

/** The schema of the outcomes of writes. */
export const writeOutcomeSchema: Schema<WriteOutcome> = schema((S) =>
  S.sum('tag')({
    done: S.struct({ tag: S.literal('done'), done: S.boolean }),
    number: S.struct({ tag: S.literal('number'), number: S.int(-natMax, natMax) }),
    failed: S.struct({
      tag: S.literal('failed'),
      error: S.literal('NOT_AN_INTEGER', 'OUT_OF_RANGE', 'VALUE_TOO_LARGE'),
    }),
  }),
);

/** The schema of outcomes. */
export const outcomeSchema: Schema<Outcome> = schema((S) =>
  S.sum('tag')({
    value: S.struct({ tag: S.literal('value'), value: S.nullable(S.bytes(wireMax.valueBytes)) }),
    length: S.struct({ tag: S.literal('length'), length: S.nullable(S.nat) }),
    done: S.struct({ tag: S.literal('done'), done: S.boolean }),
    number: S.struct({ tag: S.literal('number'), number: S.int(-natMax, natMax) }),
    failed: S.struct({
      tag: S.literal('failed'),
      error: S.literal('NOT_AN_INTEGER', 'OUT_OF_RANGE', 'VALUE_TOO_LARGE'),
    }),
  }),
);

/** What `toString('latin1')` of a Buffer calls. It takes any byte string: with a Buffer made for each key its text costs more than twice as much. */
const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** A key as text, by which states know it: its bytes are the code units (latin1), so that text order is byte order. */
export const textOfKey = (key: Uint8Array): string => latin1Slice.call(key, 0, key.length);

/** The inverse of `textOfKey`; the caller owns the bytes. */
export const bytesOfKey = (text: string): Uint8Array => Buffer.from(text, 'latin1');
