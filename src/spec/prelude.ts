/**
 * The one place that names fp-ts and io-ts' algebra, so that their import paths (which Node's ES modules are strict
 * about) stand once.
 */
export * as E from 'fp-ts/lib/Either.js';
export * as Eq from 'fp-ts/lib/Eq.js';
export { pipe } from 'fp-ts/lib/function.js';
export * as O from 'fp-ts/lib/Option.js';
export * as Ord from 'fp-ts/lib/Ord.js';

/** Ends a `switch` over a tagged union: a new tag is a type error here, and a foreign value an exception. */
export const unreachable = (x: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(x)}`);
};
