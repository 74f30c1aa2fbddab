/** What the benchmark of a move and its load processes tell each other. */
import type { EndPoint } from '../../src/spec/endpoint.js';

/** Requests to one set of keys. */
export interface TargetOptions {
  readonly name: string;
  /** The keys are this, and a number below `keys` in seven digits. */
  readonly keyPrefix: string;
  readonly keys: number;
  /** Keys that are incremented. */
  readonly counters: readonly string[];
  readonly ratePerSecond: number;
}

/** What one load process does. */
export interface LoadOptions {
  readonly cluster: string;
  readonly hosts: readonly EndPoint[];
  readonly targets: readonly TargetOptions[];
}

/** `cut` ends a window of measurement, and begins the next. */
export type FromParent =
  | { readonly tag: 'start'; readonly load: LoadOptions }
  | { readonly tag: 'cut' }
  | { readonly tag: 'stop' };

/** How long the answers to what was sent in a window took. */
export interface WindowResult {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What there was to one set of keys, all windows together. */
export interface LoadTotals {
  /** Requests without an answer, or with a wrong one. */
  readonly errors: number;
  /** The first of them, in words. */
  readonly mistakes: readonly string[];
  /** Increments that were answered, by counter. */
  readonly increments: readonly number[];
}

/** What a load process says, by name of the target. */
export type Answer =
  | { readonly tag: 'ready' }
  | { readonly tag: 'windows'; readonly windows: Readonly<Record<string, WindowResult>> }
  | { readonly tag: 'totals'; readonly totals: Readonly<Record<string, LoadTotals>> };

/** Bytes of a value. */
export const valueBytes = 100;

/** The value of a key: no two keys have the same. */
export const expectedValue = (key: string): Buffer => Buffer.alloc(valueBytes, `${key}.`);
