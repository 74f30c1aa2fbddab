/** End points as numbers: how they travel in messages (9 bytes) and how the sender of a datagram is looked up. */
import { type EndPoint, parseEndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';

/** Entries per cache. Hostile traffic can fill one; it is then emptied, so that memory stays bounded. */
const cachedMax = 4096;

const portSpan = 65_536;
const packedMax = 2 ** 48;

const packedByText = new Map<string, number>();
const textByPacked = new Map<number, EndPoint>();

const remember = <K, V>(cache: Map<K, V>, key: K, value: V): V => {
  if (cache.size >= cachedMax) cache.clear();
  cache.set(key, value);
  return value;
};

/** The address as a 32-bit number times 65536, plus the port; `undefined` for a value that is no end point in canonical form. */
export const packEndPoint = (value: unknown): number | undefined => {
  if (typeof value !== 'string') return undefined;
  const known = packedByText.get(value);
  if (known !== undefined) return known;
  const parsed = parseEndPoint(value);
  if (E.isLeft(parsed)) return undefined;
  const parts = value.split(/[.:]/).map(Number);
  const packed = parts.slice(0, 4).reduce((sum, part) => sum * 256 + part, 0) * portSpan + (parts[4] as number);
  return remember(packedByText, value, packed);
};

/** The end point that `packEndPoint` gave `packed` for; `undefined` for any other value. */
export const unpackEndPoint = (packed: unknown): EndPoint | undefined => {
  if (typeof packed !== 'number') return undefined;
  const known = textByPacked.get(packed);
  if (known !== undefined && packed !== 0) return known;
  if (!Number.isSafeInteger(packed) || packed < 1 || packed >= packedMax || packed % portSpan === 0) return undefined;
  const address = Math.floor(packed / portSpan);
  const text = `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}:${packed % portSpan}`;
  return remember(textByPacked, packed, text as EndPoint);
};
