/** The comparison of a host with the protocol, component by component, at the cost of what changed (docs/reduction.md, "Judging by the change"). */
import type { Touch } from '../network/step-io.js';
import { MapValue } from '../protocol/map-value.js';
import { type Check, holds, violated } from '../spec/check.js';
import { E } from '../spec/prelude.js';
import type { Component, TableComponent } from './host-refinement.js';
import { changedEqual, type Difference, equalValues, firstDifference, showValue } from './values.js';

/**
 * Entries of tables that are compared in each step although nobody claims that they changed. Few: an entry may be a batch of
 * many requests that lies cold in memory.
 */
const sliceEntries = 4;

const rule = "the host's state abstracts to the state that the protocol reaches";

const mismatch = (component: string, where: string, host: unknown, protocol: unknown, code = 'STATE_MISMATCH'): Check =>
  violated(code, rule, { component, where, host: showValue(host), protocol: showValue(protocol) });

const fromDifference = (component: string, d: Difference | undefined): Check =>
  d === undefined ? holds : mismatch(component, d.path.join('.'), d.right, d.left);

const compareTable = <H, S>(c: TableComponent<H, S>, keys: Iterable<string | number>, host: H, after: S): Check => {
  const table = c.protocol(after);
  for (const key of keys) {
    const hostValue = c.hostAt(host, key);
    const value = table.get(key);
    if (!equalValues(value, hostValue)) return mismatch(c.name, `[${String(key)}]`, hostValue, value);
  }
  return holds;
};

const compareWhole = <H, S>(c: Component<H, S>, host: H, state: S): Check => {
  if (c.kind !== 'table') {
    const protocol = c.protocol(state);
    const abstract = c.host(host);
    if (c.kind === 'whole' && equalValues(protocol, abstract)) return holds;
    return fromDifference(c.name, firstDifference(protocol, abstract));
  }
  const table = c.protocol(state);
  const sizes = compareSizes(c, host, table.size);
  return E.isLeft(sizes) ? sizes : compareTable(c, table.keys(), host, state);
};

/** Equal sizes, and every entry of the protocol's equal: together that is equality of tables. */
const compareSizes = <H, S>(c: TableComponent<H, S>, host: H, size: number): Check => {
  const hostSize = c.hostSize(host);
  if (hostSize === size) return holds;
  return mismatch(c.name, 'size', hostSize, size);
};

/** Compares one host with the protocol's state; remembers only the place of its rolling slice and the host's persistent values. */
export class ComponentComparison<H, S> {
  readonly #components: readonly Component<H, S>[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #hostLast: unknown[] = [];
  readonly #touched: boolean[];
  /** Of the step that is judged; made anew for each. A set that is cleared again and again keeps a chain of all it was, from one full collection to the next. */
  readonly #touchedKeys: (Set<string | number> | undefined)[];
  #slice: { readonly index: number; readonly entries: Iterator<unknown> } | undefined;
  #nextSlice = 0;

  constructor(components: readonly Component<H, S>[]) {
    this.#components = components;
    this.#indexOf = new Map(components.map((c, i): [string, number] => [c.name, i]));
    this.#touched = components.map(() => false);
    this.#touchedKeys = components.map(() => undefined);
  }

  /** Everything, on both sides. */
  full(host: H, state: S): Check {
    for (const [i, c] of this.#components.entries()) {
      const check = compareWhole(c, host, state);
      if (E.isLeft(check)) return check;
      if (c.kind === 'persistent') this.#hostLast[i] = c.host(host);
    }
    return holds;
  }

  /** The union of what the host declared and what the protocol changed, and the next rolling slice. */
  changed(host: H, touches: readonly Touch[], before: S, after: S): Check {
    const declared = this.#declare(touches);
    if (E.isLeft(declared)) return declared;
    for (const [i, c] of this.#components.entries()) {
      const check = this.#changedComponent(i, c, host, before, after);
      this.#touched[i] = false;
      if (E.isLeft(check)) return check;
    }
    return this.#compareSlice(host, after);
  }

  #declare(touches: readonly Touch[]): Check {
    for (const touch of touches) {
      const i = this.#indexOf.get(touch.component);
      if (i === undefined)
        return violated('UNKNOWN_COMPONENT', 'a host declares changes of known components', { ...touch });
      // Without a key all of a table may have changed; with one only that entry. Other components have no entries.
      if (touch.key !== undefined && this.#components[i]?.kind === 'table') this.#keysOf(i).add(touch.key);
      else this.#touched[i] = true;
    }
    return holds;
  }

  #keysOf(i: number): Set<string | number> {
    const known = this.#touchedKeys[i];
    if (known !== undefined) return known;
    const keys = new Set<string | number>();
    this.#touchedKeys[i] = keys;
    return keys;
  }

  #changedComponent(i: number, c: Component<H, S>, host: H, before: S, after: S): Check {
    const was = c.protocol(before);
    const is = c.protocol(after);
    switch (c.kind) {
      case 'whole':
        if (!this.#touched[i] && was === is) return holds;
        return compareWhole(c, host, after);
      case 'table': {
        if (was !== is && !this.#touched[i])
          for (const key of (is as MapValue<string | number, unknown>).diff(was as MapValue<string | number, unknown>))
            this.#keysOf(i).add(key);
        const keys = this.#touchedKeys[i];
        this.#touchedKeys[i] = undefined;
        if (this.#touched[i]) return compareWhole(c, host, after);
        return keys === undefined ? holds : compareTable(c, keys, host, after);
      }
      case 'persistent': {
        const hostWas = this.#hostLast[i];
        const hostIs = c.host(host);
        this.#hostLast[i] = hostIs;
        // Declared, and still the same value: if anything changed, it was written in place.
        if (this.#touched[i] && hostWas === hostIs) return compareWhole(c, host, after);
        if (was === is && hostWas === hostIs) return holds;
        const protocolChange = fromDifference(c.name, changedEqual(was, is, hostIs));
        if (E.isLeft(protocolChange)) return protocolChange;
        // What the host changed and the protocol did not: `left` of this difference is the host's.
        const d = changedEqual(hostWas, hostIs, is);
        return d === undefined ? holds : mismatch(c.name, d.path.join('.'), d.left, d.right);
      }
    }
  }

  /** A bounded piece of the comparison of everything: after enough steps each component was compared as a whole. */
  #compareSlice(host: H, after: S): Check {
    const slice = this.#slice;
    if (slice === undefined) return this.#openSlice(host, after);
    const c = this.#components[slice.index] as Component<H, S>;
    const keys: (string | number)[] = [];
    for (let n = 0; n < sliceEntries; n++) {
      const next = slice.entries.next();
      if (next.done) {
        this.#slice = undefined;
        break;
      }
      keys.push(next.value as string | number);
    }
    if (c.kind === 'table') return compareTable(c, keys, host, after);
    const hostMap = c.kind === 'persistent' ? c.host(host) : undefined;
    const map = c.protocol(after);
    if (!(map instanceof MapValue && hostMap instanceof MapValue)) return compareWhole(c, host, after);
    for (const key of keys) {
      if (!equalValues(map.get(key), hostMap.get(key)))
        return mismatch(c.name, `[${String(key)}]`, hostMap.get(key), map.get(key));
    }
    return holds;
  }

  #openSlice(host: H, after: S): Check {
    const index = this.#nextSlice;
    this.#nextSlice = (index + 1) % this.#components.length;
    const c = this.#components[index];
    if (c === undefined) return holds;
    const value = c.protocol(after);
    if (c.kind === 'table') {
      this.#slice = { index, entries: (value as MapValue<string | number, unknown>).keys()[Symbol.iterator]() };
      return compareSizes(c, host, (value as MapValue<string | number, unknown>).size);
    }
    if (c.kind === 'persistent' && value instanceof MapValue) {
      this.#slice = { index, entries: value.keys()[Symbol.iterator]() };
      const hostValue = c.host(host);
      const hostSize = hostValue instanceof MapValue ? hostValue.size : -1;
      return hostSize === value.size ? holds : mismatch(c.name, 'size', hostSize, value.size);
    }
    return compareWhole(c, host, after);
  }
}
