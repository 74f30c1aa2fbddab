/**
 * The one place that names fp-ts and io-ts' algebra, so that their import paths (which Node's ES modules are strict
 * about) stand once.
 */

export type { HKT, Kind, URIS } from 'fp-ts/HKT.js';
export * as E from 'fp-ts/lib/Either.js';
export * as Eq from 'fp-ts/lib/Eq.js';
export { pipe } from 'fp-ts/lib/function.js';
export * as O from 'fp-ts/lib/Option.js';
export * as Ord from 'fp-ts/lib/Ord.js';
export * as EqSchema from 'io-ts/lib/Eq.js';
export * as Guard from 'io-ts/lib/Guard.js';
export type { Literal, Schemable, Schemable1 } from 'io-ts/lib/Schemable.js';

/** Ends a `switch` over a tagged union: a new tag is a type error here, and a foreign value an exception. */
export const unreachable = (x: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(x)}`);
};
