/** Deep equality of protocol values; identity comes first, so that what two values share costs nothing. */
import { MapValue } from '../../protocol/map-value.js';
import { equalBytes } from '../../spec/bytes.js';
import { isPlainObject, kindOf, type PlainObject, unsupported } from './kind.js';

/**
 * Whether `a` and `b` are the same value: primitives by `Object.is`, bytes by content, objects by their own keys in any
 * order (`{ x: undefined }` is not `{}`). Throws `UnsupportedValue` where two different objects of another class meet.
 */
export const equalValues = (a: unknown, b: unknown): boolean => {
  if (a === b) return a !== 0 || Object.is(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return equalPrimitives(a, b);
  if (Array.isArray(a)) return Array.isArray(b) ? equalArrays(a, b) : checked(b);
  if (Array.isArray(b)) return checked(a);
  if (isPlainObject(a)) return isPlainObject(b) ? equalObjects(a, b) : checked(b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? equalBytes(a, b) : checked(b);
  if (a instanceof MapValue) return b instanceof MapValue ? a.equals(b, equalValues) : checked(b);
  throw unsupported(a);
};

/** At least one of the two is no object. */
const equalPrimitives = (a: unknown, b: unknown): boolean => {
  kindOf(a);
  kindOf(b);
  return Object.is(a, b);
};

/** `false`, since `value` is of another kind than what it meets; throws if it is of no kind at all. */
const checked = (value: object): false => {
  kindOf(value);
  return false;
};

const equalArrays = (a: readonly unknown[], b: readonly unknown[]): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!equalValues(a[i], b[i])) return false;
  return true;
};

const equalObjects = (a: PlainObject, b: PlainObject): boolean => {
  let keys = 0;
  for (const key in a) {
    keys++;
    // By own keys: what `b` inherits (`toString`, `__proto__`) is no part of its value.
    if (!Object.hasOwn(b, key) || !equalValues(a[key], b[key])) return false;
  }
  for (const _ in b) keys--;
  return keys === 0;
};
