/** What the integers of protocols cost as numbers with a checked range, and as bigints (docs/adr/0002-integers.md). */
import { Packr } from 'msgpackr';
import { add } from '../src/spec/nat.js';

const count = 200_000;
/** Values beyond 2^40, so that neither engine nor wire can use its forms for small integers. */
const base = 2 ** 40;
const numbers = Array.from({ length: count }, (_, i) => base + i);
const bigints = numbers.map(BigInt);
const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'bigint' });

let sink: unknown;

const microsPer = (run: () => unknown): string => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 9; round++) {
    const start = process.hrtime.bigint();
    sink = run();
    best = Math.min(best, Number(process.hrtime.bigint() - start));
  }
  return (best / 1000 / count).toFixed(3);
};

const numberMap = new Map(numbers.map((n) => [n, n]));
const bigintMap = new Map(bigints.map((n) => [n, n]));

const sumNumbers = (): number => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = add(sum, i);
  return sum;
};

const sumBigints = (): bigint => {
  let sum = 0n;
  for (let i = 0; i < count; i++) sum = sum + (bigints[i] as bigint);
  return sum;
};

const successors = (): number => {
  let last = 0;
  for (const n of numbers) last = add(n, 1);
  return last;
};

const bigintSuccessors = (): bigint => {
  let last = 0n;
  for (const n of bigints) last = n + 1n;
  return last;
};

const compared = <T>(items: readonly T[]): number => {
  let below = 0;
  for (let i = 1; i < count; i++) if ((items[i - 1] as T) < (items[i] as T)) below++;
  return below;
};

const found = <T>(map: ReadonlyMap<T, T>, keys: readonly T[]): number => {
  let hits = 0;
  for (const key of keys) if (map.has(key)) hits++;
  return hits;
};

const packed = (items: readonly unknown[]): number => {
  let bytes = 0;
  for (const item of items) bytes += packr.unpack(packr.pack(['heartbeat', item, 1, false, item])).length;
  return bytes;
};

const rows: readonly (readonly [string, () => unknown, () => unknown])[] = [
  ['successor', successors, bigintSuccessors],
  ['sum', sumNumbers, sumBigints],
  ['comparison', () => compared(numbers), () => compared(bigints)],
  ['map lookup', () => found(numberMap, numbers), () => found(bigintMap, bigints)],
  ['encode and decode a message', () => packed(numbers), () => packed(bigints)],
];

console.log('µs per operation: number with a checked range, bigint');
for (const [name, asNumber, asBigint] of rows) {
  console.log(`${name.padEnd(28)} ${microsPer(asNumber)}  ${microsPer(asBigint)}`);
}
if (sink === undefined) throw new Error('nothing was computed');
