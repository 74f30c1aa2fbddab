/** The comparison of a host with the protocol at the cost of what changed, and its rolling slices. */
import { describe, expect, it } from 'vitest';
import type { Touch } from '../../src/network/step-io.js';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { ComponentComparison } from '../../src/refinement/component-comparison.js';
import type { Component } from '../../src/refinement/host-refinement.js';
import { codeOf } from './tally.js';

/** Entries of a table that a rolling slice covers in one step. */
const sliceEntries = 4;

interface State {
  readonly count: number;
  readonly table: PersistentMap<number, number>;
  readonly store: PersistentMap<number, Uint8Array>;
}

/** A host whose abstraction function counts how often it is asked. */
class CountedHost {
  count = 0;
  readonly table = new Map<number, number>();
  store: PersistentMap<number, Uint8Array> = PersistentMap.empty();
  asked = { count: 0, entries: 0, keys: 0, size: 0, store: 0 };
}

const components: readonly Component<CountedHost, State>[] = [
  {
    kind: 'whole',
    name: 'count',
    host: (h) => {
      h.asked.count++;
      return { count: h.count };
    },
    protocol: (s) => ({ count: s.count }),
  },
  {
    kind: 'table',
    name: 'table',
    hostAt: (h, key) => {
      h.asked.entries++;
      return h.table.get(key as number);
    },
    hostKeys: (h) => {
      h.asked.keys++;
      return h.table.keys();
    },
    hostSize: (h) => {
      h.asked.size++;
      return h.table.size;
    },
    protocol: (s) => s.table as PersistentMap<string | number, unknown>,
  },
  {
    kind: 'persistent',
    name: 'store',
    host: (h) => {
      h.asked.store++;
      return h.store;
    },
    protocol: (s) => s.store,
  },
];

/** A host and the protocol's equal state, with `size` entries in the table and in the store, compared in full once. */
const pair = (size: number) => {
  const host = new CountedHost();
  const entries = Array.from({ length: size }, (_, i): [number, number] => [i, i]);
  for (const [key, value] of entries) host.table.set(key, value);
  const stored = (): PersistentMap<number, Uint8Array> => PersistentMap.of(entries.map(([k]) => [k, Uint8Array.of(k)]));
  host.store = stored();
  const state: State = { count: 0, table: PersistentMap.of(entries), store: stored() };
  const comparison = new ComponentComparison(components);
  expect(codeOf(comparison.full(host, state))).toBeUndefined();
  host.asked = { count: 0, entries: 0, keys: 0, size: 0, store: 0 };
  return { host, state, comparison };
};

/** Steps of one round over all components: one for `count`; to open, to walk and to end the slice for the two others. */
const roundSteps = (size: number): number => 1 + 2 * (Math.floor(size / sliceEntries) + 2);

/** The steps without any declared change until the comparison reports something; `undefined` if it never does. */
const stepsUntilCaught = ({ host, state, comparison }: ReturnType<typeof pair>): number | undefined => {
  for (let step = 1; step <= 2 * roundSteps(state.table.size) + 2; step++) {
    if (codeOf(comparison.changed(host, [], state, state)) === 'STATE_MISMATCH') return step;
  }
  return undefined;
};

describe('the cost of comparing by the change', () => {
  it.each([100, 10_000])('does not follow the size of the state (%i entries)', (size) => {
    const { host, state, comparison } = pair(size);
    const steps = 50;
    let now = state;
    for (let i = 0; i < steps; i++) {
      const next = { ...now, table: now.table.set(i, i + 1) };
      host.table.set(i, i + 1);
      const touches: Touch[] = [{ component: 'table', key: i }];
      expect(codeOf(comparison.changed(host, touches, now, next))).toBeUndefined();
      now = next;
    }
    // One entry that changed, and the slice.
    expect(host.asked.entries).toBeLessThanOrEqual(steps * (1 + sliceEntries));
    expect(host.asked.count).toBeLessThanOrEqual(2 * steps);
    expect(host.asked.store).toBeLessThanOrEqual(2 * steps);
  });

  it('is one comparison of an entry that host and protocol both name', () => {
    const { host, state } = pair(100);
    const comparison = new ComponentComparison([components[1] as Component<CountedHost, State>]);
    host.table.set(7, -7);
    host.asked.entries = 0;
    const next = { ...state, table: state.table.set(7, -7) };
    expect(codeOf(comparison.changed(host, [{ component: 'table', key: 7 }], state, next))).toBeUndefined();
    expect(host.asked.entries).toBe(1);
  });
});

describe('a change that the protocol did not make', () => {
  it('is caught in its step where it is declared', () => {
    const { host, state, comparison } = pair(100);
    host.table.set(7, -7);
    expect(codeOf(comparison.changed(host, [{ component: 'table', key: 7 }], state, state))).toBe('STATE_MISMATCH');
  });

  it('is caught in its step where it is a new persistent value, declared or not', () => {
    const { host, state, comparison } = pair(100);
    host.store = host.store.set(7, Uint8Array.of(0));
    expect(codeOf(comparison.changed(host, [], state, state))).toBe('STATE_MISMATCH');
  });

  it.each<[string, (host: CountedHost) => unknown]>([
    ['of a small component', (h) => (h.count = 1)],
    ['of the first entry of a table', (h) => h.table.set(0, -1)],
    ['of the last entry of a table', (h) => h.table.set(999, -1)],
    ['that writes into a persistent value', (h) => h.store.get(999)?.fill(0)],
    ['that adds an entry', (h) => h.table.set(5000, 1)],
    ['that removes an entry', (h) => h.table.delete(500)],
    ['that removes one entry and adds another', (h) => h.table.delete(500) && h.table.set(5000, 1)],
  ])('and that nobody declared, %s, is caught within two rounds of slices', (_, change) => {
    for (const stepsBefore of [0, 1, 2, 17, 252, 253, 254, 300, 504]) {
      const both = pair(1000);
      for (let i = 0; i < stepsBefore; i++) both.comparison.changed(both.host, [], both.state, both.state);
      change(both.host);
      expect(stepsUntilCaught(both), `after ${stepsBefore} steps`).toBeLessThanOrEqual(2 * roundSteps(1000));
    }
  });

  it('is caught by the comparison of everything at once', () => {
    const { host, state, comparison } = pair(1000);
    host.table.set(999, -1);
    expect(codeOf(comparison.full(host, state))).toBe('STATE_MISMATCH');
  });
});

describe('a change that the host did not make', () => {
  it.each<[string, (state: State) => State]>([
    ['a small component', (s) => ({ ...s, count: 1 })],
    ['an entry of a table', (s) => ({ ...s, table: s.table.set(7, -7) })],
    ['a new entry of a table', (s) => ({ ...s, table: s.table.set(5000, 1) })],
    ['an entry that is gone', (s) => ({ ...s, table: s.table.delete(7) })],
    ['a persistent value', (s) => ({ ...s, store: s.store.set(7, Uint8Array.of(0)) })],
  ])('is caught in its step: %s', (_, change) => {
    const { host, state, comparison } = pair(100);
    expect(codeOf(comparison.changed(host, [], state, change(state)))).toBe('STATE_MISMATCH');
  });
});

describe('declarations', () => {
  it('of a small component compare it, even where the protocol did not change it', () => {
    const { host, state, comparison } = pair(100);
    // The slice of this component passes first.
    expect(codeOf(comparison.changed(host, [], state, state))).toBeUndefined();
    host.count = 1;
    expect(codeOf(comparison.changed(host, [{ component: 'count' }], state, state))).toBe('STATE_MISMATCH');
  });

  it('of a component that nobody knows are reported', () => {
    const { host, state, comparison } = pair(1);
    expect(codeOf(comparison.changed(host, [{ component: 'colour' }], state, state))).toBe('UNKNOWN_COMPONENT');
  });

  it('of a whole table compare all of it, its size too', () => {
    for (const change of [(h: CountedHost) => h.table.set(99, -1), (h: CountedHost) => h.table.set(100, 1)]) {
      const { host, state, comparison } = pair(100);
      change(host);
      expect(codeOf(comparison.changed(host, [{ component: 'table' }], state, state))).toBe('STATE_MISMATCH');
    }
  });

  it('of what did not change are no fault', () => {
    const { host, state, comparison } = pair(100);
    const touches = [{ component: 'count', key: 1 }, { component: 'table', key: 3 }, { component: 'store' }];
    expect(codeOf(comparison.changed(host, touches, state, state))).toBeUndefined();
  });
});
