/**
 * The wire form of a schema: positional arrays of whole numbers, booleans, nulls and byte strings. A sum is
 * `[member's index, ...its other fields]`, a struct the array of its fields, both in declared order; a literal is its
 * index, text its UTF-8 bytes, an end point one number. Here is the way to it; wire-reader.ts is the way back.
 */
import type { EndPoint } from '../spec/endpoint.js';
import { natMax } from '../spec/nat.js';
import type { Literal } from '../spec/prelude.js';
import { packEndPoint } from './packed-endpoint.js';
import { type IronSchemable1, interpret, isInt, isText } from './schema.js';

/** A value that its schema does not allow was about to be written. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** To the wire form. Two values have one wire form only if they are equal. */
export interface Wire<A> {
  /** Shares byte strings with `value`. Throws `WireError` on a value that the schema does not allow. */
  readonly toWire: (value: unknown) => unknown;
  /** Ties the type to its schema; there is no value. */
  readonly _A?: A;
  /** A struct's fields, so that a sum can lay them behind its index. */
  readonly fields?: readonly Field[];
  /** The one value of a literal, so that a sum can check its members' tags. */
  readonly only?: Literal;
}

type Field = readonly [name: string, wire: Wire<unknown>];

declare module 'fp-ts/HKT.js' {
  interface URItoKind<A> {
    readonly IronWire: Wire<A>;
  }
}

const refuse = (what: string): never => {
  throw new WireError(`not ${what}`);
};

const int = (min: number, max: number): Wire<number> => {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) throw new Error('bounds must be safe integers');
  return {
    toWire: (value) => (isInt(value, min, max) ? value : refuse(`a whole number from ${min} to ${max}`)),
  };
};

const bytes = (lengthMax: number): Wire<Uint8Array> => {
  const allowed = (u: unknown): u is Uint8Array => u instanceof Uint8Array && u.length <= lengthMax;
  return {
    toWire: (value) => (allowed(value) ? value : refuse(`at most ${lengthMax} bytes`)),
  };
};

const text = (lengthMax: number): Wire<string> => ({
  toWire: (value) =>
    isText(value, lengthMax)
      ? new TextEncoder().encode(value)
      : refuse(`well-formed text of at most ${lengthMax} UTF-16 units`),
});

const endPoint: Wire<EndPoint> = {
  toWire: (value) => packEndPoint(value) ?? refuse('an end point'),
};

const literal = <A extends Literal>(values: readonly A[]): Wire<A> => ({
  toWire: (value) => {
    const index = (values as readonly unknown[]).indexOf(value);
    return index >= 0 ? index : refuse(`one of ${values.join(', ')}`);
  },
  ...(values.length === 1 ? { only: values[0] as A } : {}),
});

/** Null has one meaning: nullable(nullable(a)) is nullable(a). */
const nullable = <A>(or: Wire<A>): Wire<A | null> => ({
  toWire: (value) => (value === null ? null : or.toWire(value)),
});

const list = <A>(item: Wire<A>, lengthMax: number): Wire<readonly A[]> => ({
  toWire: (value) => {
    if (!Array.isArray(value) || value.length > lengthMax) return refuse(`a list of at most ${lengthMax} items`);
    const wire: unknown[] = [];
    for (let i = 0; i < value.length; i++) wire.push(item.toWire(value[i]));
    return wire;
  },
});

/** What is compiled for one struct: the wire form of an object with just these fields, behind what comes first. */
type ToArray = (value: unknown) => unknown[];

/**
 * Lays the fields of an object behind `first`, the text of an expression (or empty); `keyCount` is the number of keys that the object must
 * have. Compiled to a function of its own, as in wire-reader.ts: with names and fields known the engine reads without a loop, and makes
 * the array at once.
 */
const compiled = (first: string, fields: readonly Field[], keyCount: number): ToArray => {
  const writers = fields.map((_, i) => `const w${i} = writers[${i}];`);
  const items = fields.map(([name], i) => `w${i}(value[${JSON.stringify(name)}])`);
  const body = `${writers.join('\n')}
return (value) => {
  if (typeof value !== 'object' || value === null || isArray(value)) return refuse();
  let keys = 0;
  for (const _ in value) keys++;
  if (keys !== ${keyCount}) return refuse();
  return [${first === '' ? items.join(', ') : [first, ...items].join(', ')}];
};`;
  const make = new Function('writers', 'isArray', 'refuse', body);
  return make(
    fields.map(([, wire]) => wire.toWire),
    Array.isArray,
    () => refuse(`an object of ${keyCount} fields`),
  ) as ToArray;
};

const struct = <A>(fieldsByName: { readonly [K in keyof A]: Wire<A[K]> }): Wire<{ readonly [K in keyof A]: A[K] }> => {
  const fields = Object.entries<Wire<unknown>>(fieldsByName);
  return { toWire: compiled('', fields, fields.length), fields };
};

const memberOf = (tagName: string, tag: string, wire: Wire<unknown>, index: number): ToArray => {
  const tagged = wire.fields?.find(([name]) => name === tagName);
  if (wire.fields === undefined || tagged?.[1].only !== tag) {
    throw new Error(`member "${tag}" of a sum must be a struct whose ${tagName} is the literal "${tag}"`);
  }
  const fields = wire.fields.filter((field) => field !== tagged);
  return compiled(String(index), fields, wire.fields.length);
};

const sum =
  <T extends string>(tagName: T) =>
  <A>(membersByTag: { [K in keyof A]: Wire<A[K] & Record<T, K>> }): Wire<A[keyof A]> => {
    const members = Object.entries<Wire<unknown>>(membersByTag);
    const tags = members.map(([tag]) => tag);
    const byTag = new Map<unknown, ToArray>(members.map(([tag, wire], i) => [tag, memberOf(tagName, tag, wire, i)]));
    const tagOf = new Function('value', `return value?.[${JSON.stringify(tagName)}];`) as (value: unknown) => unknown;
    return {
      toWire: (value) => byTag.get(tagOf(value))?.(value) ?? refuse(`one of ${tags.join(', ')}`),
    };
  };

const wireWords: IronSchemable1<'IronWire'> = {
  URI: 'IronWire',
  literal: (...values) => literal(values),
  boolean: {
    toWire: (value) => (typeof value === 'boolean' ? value : refuse('a boolean')),
  },
  nullable,
  sum,
  struct,
  int,
  nat: int(0, natMax),
  bytes,
  text,
  endPoint,
  list,
};

/** The wire form of a schema's values. Throws on a sum whose members do not carry their tags. */
export const wireOf = interpret(wireWords);
