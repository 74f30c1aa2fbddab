/**
 * One schema per message set, from which codec, guard, equality and generator come, so that they cannot disagree.
 * Built on the schemas of io-ts (Schemable), without what has no bound (strings, numbers, records) and with what
 * messages are made of.
 */
import type { EndPoint } from '../spec/endpoint.js';
import { natMax } from '../spec/nat.js';
import {
  Eq,
  EqSchema,
  Guard,
  type HKT,
  type Kind,
  type Schemable,
  type Schemable1,
  type URIS,
} from '../spec/prelude.js';
import { packEndPoint } from './packed-endpoint.js';

/**
 * The words of which schemas are made. `literal`, `boolean`, `nullable`, `sum` and `struct` are those of io-ts; a struct
 * is read-only and allows no key that is not declared.
 */
export interface IronSchemable<S> extends Pick<Schemable<S>, 'URI' | 'literal' | 'boolean' | 'nullable' | 'sum'> {
  readonly struct: <A>(fields: { [K in keyof A]: HKT<S, A[K]> }) => HKT<S, { readonly [K in keyof A]: A[K] }>;
  /** A whole number from `min` to `max`, both safe integers; never -0. */
  readonly int: (min: number, max: number) => HKT<S, number>;
  /** A whole number from 0 to `natMax`. */
  readonly nat: HKT<S, number>;
  /** At most `lengthMax` bytes. */
  readonly bytes: (lengthMax: number) => HKT<S, Uint8Array>;
  /** Well-formed Unicode of at most `lengthMax` UTF-16 units. */
  readonly text: (lengthMax: number) => HKT<S, string>;
  readonly endPoint: HKT<S, EndPoint>;
  /** At most `lengthMax` items. */
  readonly list: <A>(item: HKT<S, A>, lengthMax: number) => HKT<S, readonly A[]>;
}

/** What an interpreter of schemas supplies: a meaning for each word. */
export interface IronSchemable1<S extends URIS>
  extends Pick<Schemable1<S>, 'URI' | 'literal' | 'boolean' | 'nullable' | 'sum'> {
  readonly struct: <A>(fields: { [K in keyof A]: Kind<S, A[K]> }) => Kind<S, { readonly [K in keyof A]: A[K] }>;
  readonly int: (min: number, max: number) => Kind<S, number>;
  readonly nat: Kind<S, number>;
  readonly bytes: (lengthMax: number) => Kind<S, Uint8Array>;
  readonly text: (lengthMax: number) => Kind<S, string>;
  readonly endPoint: Kind<S, EndPoint>;
  readonly list: <A>(item: Kind<S, A>, lengthMax: number) => Kind<S, readonly A[]>;
}

/** The shape of a value of type `A`, to be read by any interpreter. */
export type Schema<A> = <S>(S: IronSchemable<S>) => HKT<S, A>;

/** The type that a schema describes. */
export type TypeOf<S> = S extends Schema<infer A> ? A : never;

/**
 * Makes a schema:
 * `schema((S) => S.sum('tag')({ ping: S.struct({ tag: S.literal('ping'), epoch: S.nat }), ... }))`.
 */
export const schema = <A>(make: Schema<A>): Schema<A> => make;

/** Reads a schema with the meanings of `words`. */
export const interpret =
  <S extends URIS>(words: IronSchemable1<S>) =>
  <A>(described: Schema<A>): Kind<S, A> =>
    // For an S that names a type constructor HKT<S, A> stands for Kind<S, A>; TypeScript has no way to say so (io-ts does the same).
    (described as unknown as (words: IronSchemable1<S>) => Kind<S, A>)(words);

/** Whether `value` is a whole number from `min` to `max`, and not -0, which no encoding tells from 0. */
export const isInt = (value: unknown, min: number, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max && !Object.is(value, -0);

const loneSurrogate = /\p{Surrogate}/u;

/** Whether `value` is text of at most `lengthMax` UTF-16 units without lone surrogates, which no encoding tells apart. */
export const isText = (value: unknown, lengthMax: number): value is string =>
  typeof value === 'string' && value.length <= lengthMax && !loneSurrogate.test(value);

/** Whether `value` has as many enumerable keys as `count`; with every declared key present, none is undeclared. */
export const hasKeyCount = (value: object, count: number): boolean => {
  let seen = 0;
  for (const _ in value) seen++;
  return seen === count;
};

const guardWords: IronSchemable1<Guard.URI> = {
  URI: Guard.URI,
  literal: Guard.literal,
  boolean: Guard.boolean,
  nullable: Guard.nullable,
  sum:
    <T extends string>(tag: T) =>
    <A>(members: { [K in keyof A]: Guard.Guard<unknown, A[K] & Record<T, K>> }) => {
      const known = new Map<unknown, Guard.Guard<unknown, unknown>>(Object.entries(members));
      return {
        is: (u: unknown): u is A[keyof A] =>
          typeof u === 'object' && u !== null && known.get((u as Record<string, unknown>)[tag])?.is(u) === true,
      };
    },
  struct: <A>(fields: { [K in keyof A]: Guard.Guard<unknown, A[K]> }) => {
    const guards = Object.entries<Guard.Guard<unknown, unknown>>(fields);
    return {
      is: (u: unknown): u is { readonly [K in keyof A]: A[K] } => {
        if (typeof u !== 'object' || u === null || Array.isArray(u) || !hasKeyCount(u, guards.length)) return false;
        return guards.every(([key, guard]) => guard.is((u as Record<string, unknown>)[key]));
      },
    };
  },
  int: (min, max) => ({ is: (u): u is number => isInt(u, min, max) }),
  nat: { is: (u): u is number => isInt(u, 0, natMax) },
  bytes: (lengthMax) => ({ is: (u): u is Uint8Array => u instanceof Uint8Array && u.length <= lengthMax }),
  text: (lengthMax) => ({ is: (u): u is string => isText(u, lengthMax) }),
  endPoint: { is: (u): u is EndPoint => packEndPoint(u) !== undefined },
  list: <A>(item: Guard.Guard<unknown, A>, lengthMax: number) => ({
    is: (u: unknown): u is readonly A[] => {
      if (!Array.isArray(u) || u.length > lengthMax) return false;
      // Not `every`, which passes over holes.
      for (let i = 0; i < u.length; i++) if (!item.is(u[i])) return false;
      return true;
    },
  }),
};

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0;

const eqWords: IronSchemable1<EqSchema.URI> = {
  ...EqSchema.Schemable,
  int: () => Eq.eqStrict,
  nat: Eq.eqStrict,
  bytes: () => Eq.fromEquals(sameBytes),
  text: () => Eq.eqStrict,
  endPoint: Eq.eqStrict,
  list: (item) => Eq.fromEquals((a, b) => a.length === b.length && a.every((x, i) => item.equals(x, b[i] as typeof x))),
};

/** The guard: accepts exactly the values that the schema describes. */
export const guardOf = interpret(guardWords);

/** Equality by value. */
export const eqOf = interpret(eqWords);
