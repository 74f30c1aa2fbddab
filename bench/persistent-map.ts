/**
 * The cost of `PersistentMap` in microseconds per operation, next to a native Map, and next to `Map` of immutable where
 * the environment variable IMMUTABLE names its module file. Run from the build: `node dist/bench/persistent-map.js`, or
 * with any runner of TypeScript.
 */
import { pathToFileURL } from 'node:url';
import { type MapKey, PersistentMap } from '../src/protocol/persistent-map.js';

/** What is measured of each kind of map; `M` is its type. */
interface Subject<M> {
  readonly name: string;
  readonly of: (entries: readonly (readonly [MapKey, object])[]) => M;
  readonly get: (map: M, key: MapKey) => unknown;
  readonly set: (map: M, key: MapKey, value: object) => M;
  readonly batch: (map: M, keys: readonly MapKey[], values: readonly object[]) => M;
  readonly remove: (map: M, key: MapKey) => M;
  readonly count: (map: M) => number;
  readonly diff?: (a: M, b: M) => number;
}

interface ImmutableMap {
  get(key: MapKey): unknown;
  set(key: MapKey, value: object): ImmutableMap;
  delete(key: MapKey): ImmutableMap;
  withMutations(change: (draft: ImmutableMap) => void): ImmutableMap;
  [Symbol.iterator](): Iterator<unknown>;
}

const countOf = (items: Iterable<unknown>): number => {
  let n = 0;
  for (const _ of items) n++;
  return n;
};

const own: Subject<PersistentMap<MapKey, object>> = {
  name: 'PersistentMap',
  of: (entries) => PersistentMap.of(entries),
  get: (map, key) => map.get(key),
  set: (map, key, value) => map.set(key, value),
  batch: (map, keys, values) =>
    map.withMutations((draft) => {
      for (let i = 0; i < keys.length; i++) draft.set(keys[i]!, values[i]!);
    }),
  remove: (map, key) => map.delete(key),
  count: countOf,
  diff: (a, b) => countOf(a.diff(b)),
};

const native: Subject<Map<MapKey, object>> = {
  name: 'Map (mutable)',
  of: (entries) => new Map(entries),
  get: (map, key) => map.get(key),
  set: (map, key, value) => map.set(key, value),
  batch: (map, keys, values) => {
    for (let i = 0; i < keys.length; i++) map.set(keys[i]!, values[i]!);
    return map;
  },
  remove: (map, key) => {
    map.delete(key);
    return map;
  },
  count: countOf,
};

const immutable = (create: (entries: Iterable<readonly [MapKey, object]>) => ImmutableMap): Subject<ImmutableMap> => ({
  name: 'immutable Map',
  of: (entries) => create(entries),
  get: (map, key) => map.get(key),
  set: (map, key, value) => map.set(key, value),
  batch: (map, keys, values) =>
    map.withMutations((draft) => {
      for (let i = 0; i < keys.length; i++) draft.set(keys[i]!, values[i]!);
    }),
  remove: (map, key) => map.delete(key),
  count: (map) => countOf(map as Iterable<unknown>),
});

/** Microseconds per operation: the best of several rounds, each of `operations`. */
const best = (operations: number, round: () => void): string => {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 7; i++) {
    const start = performance.now();
    round();
    least = Math.min(least, performance.now() - start);
  }
  return ((least * 1000) / operations).toFixed(3).padStart(8);
};

/** Changes in one `withMutations`. */
const batchSize = 50;

const measure = <M>(subject: Subject<M>, size: number, keyOf: (i: number) => MapKey): string => {
  const entries = Array.from({ length: size }, (_, i) => [keyOf(i), { i }] as const);
  // A fixed stride that is prime to every size visits the keys in a scattered order.
  const order = Array.from({ length: 20_000 }, (_, i) => entries[(i * 7_919) % size]![0]);
  const values = order.map((_, i) => ({ i }));
  const chunks = Array.from({ length: order.length / batchSize }, (_, i) => ({
    scattered: order.slice(i * batchSize, (i + 1) * batchSize),
    run: Array.from({ length: batchSize }, (_, k) => entries[(i * batchSize + k) % size]![0]),
    values: values.slice(i * batchSize, (i + 1) * batchSize),
  }));
  const base = subject.of(entries);
  const columns = [
    best(order.length, () => {
      for (const key of order) subject.get(base, key);
    }),
    best(order.length, () => {
      let map = base;
      for (let i = 0; i < order.length; i++) map = subject.set(map, order[i]!, values[i]!);
    }),
    best(order.length, () => {
      let map = base;
      for (const chunk of chunks) map = subject.batch(map, chunk.scattered, chunk.values);
    }),
    best(order.length, () => {
      let map = base;
      for (const chunk of chunks) map = subject.batch(map, chunk.run, chunk.values);
    }),
    best(size, () => {
      subject.of(entries);
    }),
    best(size, () => {
      subject.count(base);
    }),
    best(2_000, () => {
      let map = base;
      for (let i = 0; i < 1_000; i++) map = subject.remove(map, order[i]!);
      for (let i = 0; i < 1_000; i++) map = subject.set(map, order[i]!, values[i]!);
    }),
  ];
  const diff = subject.diff;
  if (diff !== undefined) {
    const changed = order.slice(0, 10).reduce((map, key) => subject.set(map, key, {}), base);
    columns.push(
      best(1_000, () => {
        for (let i = 0; i < 100; i++) diff(base, changed);
      }),
    );
  }
  return columns.join('');
};

const subjects: ((size: number, keyOf: (i: number) => MapKey) => [string, string])[] = [
  (size, keyOf) => [own.name, measure(own, size, keyOf)],
  (size, keyOf) => [native.name, measure(native, size, keyOf)],
];
const path = process.env.IMMUTABLE;
if (path !== undefined) {
  const module = (await import(pathToFileURL(path).href)) as { Map: Parameters<typeof immutable>[0] };
  const subject = immutable(module.Map);
  subjects.push((size, keyOf) => [subject.name, measure(subject, size, keyOf)]);
}

const kinds: readonly (readonly [string, (i: number) => MapKey])[] = [
  ['integers', (i) => i],
  ['large integers', (i) => 2 ** 40 + i * 4_096],
  ['strings', (i) => `session-${i}`],
];
console.log('microseconds per operation'.padEnd(42), '    get     set   batch     run   build iterate  remove    diff');
for (const size of [1_000, 10_000, 100_000]) {
  for (const [kind, keyOf] of kinds) {
    for (const run of subjects) {
      const [name, row] = run(size, keyOf);
      console.log(`${String(size).padStart(7)} ${kind.padEnd(16)} ${name.padEnd(16)}`, row);
    }
  }
}
