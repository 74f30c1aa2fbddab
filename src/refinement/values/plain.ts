/**
 * Protocol values in a form that JSON can carry, for traces and journals. What JSON lacks stands in an object with one
 * tagged key, after the ITF format of Apalache and Quint: `{"#map": [[key, value], ...]}`, `{"#bytes": base64}`,
 * `{"#bigint": digits}`, `{"#number": "NaN"}`, `{"#undefined": true}`; an object with a key of its own that starts with
 * `#` is written as `{"#object": [[key, value], ...]}`.
 */
import { type MapKey, PersistentMap } from '../../protocol/persistent-map.js';
import { E } from '../../spec/prelude.js';
import { kindOf, type Primitive } from './kind.js';

/** `value` in its plain form: `fromPlain(JSON.parse(JSON.stringify(toPlain(v))))` is a value equal to `v`. Shares no memory with it. */
export const toPlain = (value: unknown): unknown => {
  const v = kindOf(value);
  switch (v.kind) {
    case 'primitive':
      return plainPrimitive(v.value);
    case 'bytes':
      return { '#bytes': Buffer.from(v.value.buffer, v.value.byteOffset, v.value.length).toString('base64') };
    case 'array':
      return v.value.map(toPlain);
    case 'map':
      return { '#map': Array.from(v.value, ([key, item]) => [key, toPlain(item)]) };
    case 'object': {
      const fields = Object.entries(v.value).map(([key, item]): [string, unknown] => [key, toPlain(item)]);
      return fields.some(([key]) => key.startsWith('#')) ? { '#object': fields } : Object.fromEntries(fields);
    }
  }
};

const plainPrimitive = (value: Primitive): unknown => {
  if (value === undefined) return { '#undefined': true };
  if (typeof value === 'bigint') return { '#bigint': value.toString() };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { '#number': Object.is(value, -0) ? '-0' : String(value) };
  }
  return value;
};

/** The value of a plain form; `Left` says what is wrong with it. For foreign input: never throws, whatever JSON held. */
export const fromPlain = (plain: unknown): E.Either<string, unknown> => read(plain, depthMax);

/** Deeper nesting is refused: no protocol value has it, and it would exhaust the stack. */
const depthMax = 200;

type Result = E.Either<string, unknown>;

const read = (plain: unknown, depth: number): Result => {
  if (depth === 0) return E.left(`nested deeper than ${depthMax}`);
  if (typeof plain !== 'object' || plain === null) return readPrimitive(plain);
  if (Array.isArray(plain)) return readAll(plain, depth);
  const keys = Object.keys(plain);
  const key = keys.find((k) => k.startsWith('#'));
  if (key === undefined) {
    const items = readAll(Object.values(plain), depth);
    return E.isLeft(items) ? items : E.right(Object.fromEntries(keys.map((k, i) => [k, items.right[i]])));
  }
  if (keys.length > 1) return E.left(`${JSON.stringify(key)} beside other keys`);
  return readTagged(key, (plain as Readonly<Record<string, unknown>>)[key], depth);
};

const readPrimitive = (plain: unknown): Result =>
  plain === null || typeof plain === 'string' || typeof plain === 'boolean' || Number.isFinite(plain)
    ? E.right(plain)
    : E.left(`a ${typeof plain} that JSON does not have`);

const readAll = (items: readonly unknown[], depth: number): E.Either<string, unknown[]> => {
  const values: unknown[] = [];
  for (const item of items) {
    const value = read(item, depth - 1);
    if (E.isLeft(value)) return value;
    values.push(value.right);
  }
  return E.right(values);
};

const readTagged = (tag: string, body: unknown, depth: number): Result => {
  switch (tag) {
    case '#undefined':
      return body === true ? E.right(undefined) : E.left('"#undefined" without true');
    case '#bigint':
      return typeof body === 'string' && /^(0|-?[1-9]\d*)$/.test(body)
        ? E.right(BigInt(body))
        : E.left('"#bigint" without decimal digits');
    case '#number':
      return typeof body === 'string' && ['NaN', 'Infinity', '-Infinity', '-0'].includes(body)
        ? E.right(Number(body))
        : E.left('"#number" without one of NaN, Infinity, -Infinity, -0');
    case '#bytes':
      return readBytes(body);
    case '#map':
      return readMap(body, depth);
    case '#object': {
      const fields = readPairs(body, depth, (key) => typeof key === 'string');
      return E.isLeft(fields) ? fields : E.right(Object.fromEntries(fields.right));
    }
    default:
      return E.left(`unknown tag ${JSON.stringify(tag.slice(0, 40))}`);
  }
};

const readBytes = (body: unknown): Result => {
  if (typeof body !== 'string') return E.left('"#bytes" without text');
  const bytes = Buffer.from(body, 'base64');
  return bytes.toString('base64') === body
    ? E.right(new Uint8Array(bytes))
    : E.left('"#bytes" without canonical base64');
};

const isMapKey = (key: unknown): boolean =>
  typeof key === 'string' || (Number.isSafeInteger(key) && (key as number) >= 0 && !Object.is(key, -0));

const readMap = (body: unknown, depth: number): Result => {
  const entries = readPairs(body, depth, isMapKey);
  if (E.isLeft(entries)) return entries;
  if (entries.right.some(([, value]) => value === undefined)) return E.left('a map with an undefined value');
  return E.right(PersistentMap.of(entries.right));
};

/** Pairs with distinct keys. */
const readPairs = (
  body: unknown,
  depth: number,
  isKey: (key: unknown) => boolean,
): E.Either<string, readonly [MapKey, unknown][]> => {
  if (!Array.isArray(body)) return E.left('a tag that needs a list of pairs');
  const seen = new Set<unknown>();
  const pairs: [MapKey, unknown][] = [];
  for (const pair of body as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2 || !isKey(pair[0])) return E.left('a pair without a proper key');
    if (seen.has(pair[0])) return E.left('a key that occurs twice');
    seen.add(pair[0]);
    const value = read(pair[1], depth - 1);
    if (E.isLeft(value)) return value;
    pairs.push([pair[0] as MapKey, value.right]);
  }
  return E.right(pairs);
};
