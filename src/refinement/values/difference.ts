/** Where two protocol values differ, for messages in words, and whether a change was made on both sides. */
import { MapValue } from '../../protocol/map-value.js';
import { equalValues } from './equality.js';
import { isPlainObject, kindOf, type PlainObject } from './kind.js';

/** A place where two values differ: the keys that lead to it, and what stands there (`undefined` for nothing). */
export interface Difference {
  readonly path: readonly (string | number)[];
  readonly left: unknown;
  readonly right: unknown;
}

type Path = readonly (string | number)[];
type Table = MapValue<string | number, unknown>;

/** The first difference of `a` and `b` in the order of `a`'s keys; `undefined` if they are equal. */
export const firstDifference = (a: unknown, b: unknown): Difference | undefined => differenceAt(a, b, []);

/**
 * Whether `other` equals `after` wherever `after` differs from `before`, skipping what `before` and `after` share, so
 * that the cost follows the change; `undefined` if so, otherwise the first difference of `after` (left) and `other`
 * (right). Sizes of maps are compared too. A `before` that is `undefined` shares nothing.
 */
export const changedEqual = (before: unknown, after: unknown, other: unknown): Difference | undefined =>
  isChangeEqual(before, after, other) ? undefined : changeAt(before, after, other, []);

const differenceAt = (a: unknown, b: unknown, path: Path): Difference | undefined => {
  if (equalValues(a, b)) return undefined;
  const x = kindOf(a);
  const y = kindOf(b);
  if (x.kind === 'array' && y.kind === 'array') return firstInArrays(x.value, y.value, path);
  if (x.kind === 'object' && y.kind === 'object') return firstInObjects(x.value, y.value, path);
  if (x.kind === 'map' && y.kind === 'map') return firstInMaps(x.value, y.value, path);
  return { path, left: a, right: b };
};

const firstInArrays = (a: readonly unknown[], b: readonly unknown[], path: Path): Difference | undefined => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const d = differenceAt(a[i], b[i], [...path, i]);
    if (d !== undefined) return d;
  }
  if (a.length === b.length) return undefined;
  return { path: [...path, 'length'], left: a.length, right: b.length };
};

const firstInObjects = (a: PlainObject, b: PlainObject, path: Path): Difference | undefined => {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const at = [...path, key];
    const d =
      Object.hasOwn(a, key) === Object.hasOwn(b, key) ? differenceAt(a[key], b[key], at) : oneSided(a, b, key, at);
    if (d !== undefined) return d;
  }
  return undefined;
};

/** What an object has itself at `key`; what it inherits is no part of its value. */
const ownAt = (o: PlainObject, key: string): unknown => (Object.hasOwn(o, key) ? o[key] : undefined);

/** The difference of two objects of which only one has `key`. */
const oneSided = (a: PlainObject, b: PlainObject, key: string, path: Path): Difference => ({
  path,
  left: ownAt(a, key),
  right: ownAt(b, key),
});

const firstInMaps = (a: Table, b: Table, path: Path): Difference | undefined => {
  for (const [key, value] of a) {
    const d = differenceAt(value, b.get(key), [...path, key]);
    if (d !== undefined) return d;
  }
  for (const [key, value] of b) if (!a.has(key)) return { path: [...path, key], left: undefined, right: value };
  return undefined;
};

/** Whether `changeAt` finds nothing. Nearly always so, and so this makes neither paths nor kinds. */
const isChangeEqual = (before: unknown, after: unknown, other: unknown): boolean => {
  if (before === after || after === other) return true;
  if (isObject(before) && isObject(after) && isObject(other)) {
    if (Array.isArray(before) && Array.isArray(after) && Array.isArray(other))
      return isChangeEqualInArrays(before, after, other);
    if (before instanceof MapValue && after instanceof MapValue && other instanceof MapValue)
      return isChangeEqualInMaps(before, after, other);
    if (isPlainObject(before) && isPlainObject(after) && isPlainObject(other))
      return isChangeEqualInObjects(before, after, other);
  }
  // Throws where `before` is of no kind, as it does for the other two.
  if (before !== undefined) kindOf(before);
  return equalValues(after, other);
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isChangeEqualInArrays = (
  before: readonly unknown[],
  after: readonly unknown[],
  other: readonly unknown[],
): boolean => {
  if (after.length !== other.length) return false;
  for (let i = 0; i < after.length; i++) if (!isChangeEqual(before[i], after[i], other[i])) return false;
  return true;
};

const isChangeEqualInObjects = (before: PlainObject, after: PlainObject, other: PlainObject): boolean => {
  let keys = 0;
  for (const key in after) {
    keys++;
    if (!Object.hasOwn(other, key) || !isChangeEqual(ownAt(before, key), after[key], other[key])) return false;
  }
  for (const _ in other) keys--;
  return keys === 0;
};

const isChangeEqualInMaps = (before: Table, after: Table, other: Table): boolean => {
  if (after.size !== other.size) return false;
  const keys = after.diff(before);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string | number;
    if (!isChangeEqual(before.get(key), after.get(key), other.get(key))) return false;
  }
  return true;
};

const changeAt = (before: unknown, after: unknown, other: unknown, path: Path): Difference | undefined => {
  if (before === after || after === other) return undefined;
  const was = kindOf(before);
  const is = kindOf(after);
  const also = kindOf(other);
  if (was.kind === 'array' && is.kind === 'array' && also.kind === 'array') {
    return changeInArrays(was.value, is.value, also.value, path);
  }
  if (was.kind === 'object' && is.kind === 'object' && also.kind === 'object') {
    return changeInObjects(was.value, is.value, also.value, path);
  }
  if (was.kind === 'map' && is.kind === 'map' && also.kind === 'map') {
    return changeInMaps(was.value, is.value, also.value, path);
  }
  return differenceAt(after, other, path);
};

const changeInArrays = (
  before: readonly unknown[],
  after: readonly unknown[],
  other: readonly unknown[],
  path: Path,
): Difference | undefined => {
  if (after.length !== other.length) return firstInArrays(after, other, path);
  for (let i = 0; i < after.length; i++) {
    const d = changeAt(before[i], after[i], other[i], [...path, i]);
    if (d !== undefined) return d;
  }
  return undefined;
};

const changeInObjects = (
  before: PlainObject,
  after: PlainObject,
  other: PlainObject,
  path: Path,
): Difference | undefined => {
  for (const key of new Set([...Object.keys(after), ...Object.keys(other)])) {
    const at = [...path, key];
    if (Object.hasOwn(after, key) !== Object.hasOwn(other, key)) return oneSided(after, other, key, at);
    const d = changeAt(ownAt(before, key), after[key], other[key], at);
    if (d !== undefined) return d;
  }
  return undefined;
};

const changeInMaps = (before: Table, after: Table, other: Table, path: Path): Difference | undefined => {
  for (const key of after.diff(before)) {
    const d = changeAt(before.get(key), after.get(key), other.get(key), [...path, key]);
    if (d !== undefined) return d;
  }
  // Equal where `after` changed, and yet of another size: they differ somewhere else.
  return after.size === other.size ? undefined : firstInMaps(after, other, path);
};
