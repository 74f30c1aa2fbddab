/** A state before and after a step, as rows: what changed in detail, what stayed the same in one line each. */
import { compareKeys } from '../../protocol/persistent-map/hash.js';
import { kindIfAny } from '../values/kind.js';
import { equalValues, showValue } from '../values.js';

/** One place in a state. */
export interface StateRow {
  readonly path: string;
  readonly change: 'same' | 'changed' | 'added' | 'removed';
  /** Empty where there is none. */
  readonly before: string;
  readonly after: string;
}

const budget = 240;

/** The rows of a state; lists are compared as wholes. */
export const stateRows = (before: unknown, after: unknown): readonly StateRow[] => rowsAt('', before, after, true);

const rowsAt = (path: string, before: unknown, after: unknown, top: boolean): readonly StateRow[] => {
  const same = equalValues(before, after);
  if (same && !top)
    return [{ path, change: 'same', before: showValue(before, budget), after: showValue(after, budget) }];
  const [a, b] = [partsOf(before), partsOf(after)];
  if (a === undefined || b === undefined)
    return [
      { path, change: same ? 'same' : 'changed', before: showValue(before, budget), after: showValue(after, budget) },
    ];
  const keys = [...new Set([...a.keys(), ...b.keys()])];
  return keys.flatMap((key) => {
    const at = path === '' ? String(key) : `${path}.${key}`;
    if (!a.has(key)) return [{ path: at, change: 'added', before: '', after: showValue(b.get(key), budget) }] as const;
    if (!b.has(key))
      return [{ path: at, change: 'removed', before: showValue(a.get(key), budget), after: '' }] as const;
    return rowsAt(at, a.get(key), b.get(key), false);
  });
};

/** The parts of a value that has some, by name. */
const partsOf = (value: unknown): ReadonlyMap<string | number, unknown> | undefined => {
  const v = kindIfAny(value);
  if (v?.kind === 'object') return new Map(Object.entries(v.value));
  if (v?.kind === 'map') return new Map([...v.value].sort(([x], [y]) => compareKeys(x, y)));
  return undefined;
};
