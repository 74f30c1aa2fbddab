/** The kinds of values that a protocol is made of. */
import { MapValue } from '../../protocol/map-value.js';

/** A plain object, looked at by its own enumerable keys. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** A value with its kind. */
export type Kinded =
  | { readonly kind: 'primitive'; readonly value: Primitive }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'array'; readonly value: readonly unknown[] }
  | { readonly kind: 'map'; readonly value: MapValue<string | number, unknown> }
  | { readonly kind: 'object'; readonly value: PlainObject };

export type Primitive = string | number | bigint | boolean | null | undefined;

/** A value that no check can look into: a native Map or Set, an instance of a class, a function, a symbol. */
export class UnsupportedValue extends Error {
  override readonly name = 'UnsupportedValue';
}

/** Whether `value` is an object without a class of its own. */
export const isPlainObject = (value: object): value is PlainObject => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** The error for a value of no known kind. */
export const unsupported = (value: unknown): UnsupportedValue => {
  const name = typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value;
  const instead = name === 'Map' || name === 'Set' ? ' Use PersistentMap.' : '';
  return new UnsupportedValue(
    `a value of type ${name} is no protocol value: these are primitives, Uint8Array, arrays, plain objects, PersistentMap and OrderedMap.${instead}`,
  );
};

/** The kind of `value`; none if it is no protocol value. */
export const kindIfAny = (value: unknown): Kinded | undefined => {
  if (typeof value !== 'object') {
    return typeof value === 'function' || typeof value === 'symbol'
      ? undefined
      : { kind: 'primitive', value: value as Primitive };
  }
  if (value === null) return { kind: 'primitive', value };
  if (Array.isArray(value)) return { kind: 'array', value };
  if (value instanceof Uint8Array) return { kind: 'bytes', value };
  if (value instanceof MapValue) return { kind: 'map', value };
  return isPlainObject(value) ? { kind: 'object', value } : undefined;
};

/** The kind of `value`; throws `UnsupportedValue`. */
export const kindOf = (value: unknown): Kinded => {
  const kinded = kindIfAny(value);
  if (kinded === undefined) throw unsupported(value);
  return kinded;
};
