/**
 * Values of protocols and abstractions: primitives, bytes, arrays, plain readonly objects, `PersistentMap` and `OrderedMap`, nested.
 * How they are compared, shown to people and written to files. Anything else (a native Map, a Set, a class) throws
 * `UnsupportedValue`: the checks would not see what it holds.
 */
export { changedEqual, type Difference, firstDifference } from './values/difference.js';
export { equalValues } from './values/equality.js';
export { UnsupportedValue } from './values/kind.js';
export { fromPlain, toPlain } from './values/plain.js';
export { showValue } from './values/show.js';
