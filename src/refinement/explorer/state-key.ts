/** The key of a state in the table of states: 64 bits, exact for natural numbers, a fingerprint for anything else. */
import { UnsupportedValue } from '../values.js';
import { errorWords, ModelFault } from './fault.js';
import { Fingerprint } from './fingerprint.js';
import type { ActionValue, StateModel } from './model.js';

const guarded = <T>(what: string, compute: () => T): T => {
  try {
    return compute();
  } catch (error) {
    throw new ModelFault('threw', `a state cannot be told from others: ${what} threw ${errorWords(error)}`);
  }
};

/** Computes keys; `hi` and `lo` (unsigned) are those of the last state. */
export class StateKey<S, A extends ActionValue> {
  hi = 0;
  lo = 0;
  readonly #fingerprint = new Fingerprint();
  readonly #key: ((state: S) => unknown) | undefined;
  readonly #canonical: ((state: S) => S) | undefined;
  #exact: boolean | undefined;

  constructor(model: StateModel<S, A>, symmetry: boolean) {
    this.#key = model.key;
    this.#canonical = symmetry ? model.canonical : undefined;
  }

  /** Whether keys are natural numbers, which never collide; known from the first state on. */
  get exact(): boolean {
    return this.#exact === true;
  }

  /** The key of the state that stands for `state`; throws `ModelFault` where it has none. */
  of(state: S): void {
    this.#of(this.#representative(state), false);
  }

  /** The key of `state` itself, from scratch. */
  freshOf(state: S): void {
    this.#of(this.#representative(state), true);
  }

  /** The key of `state` itself, whatever stands for it. */
  ofItself(state: S): void {
    this.#of(state, false);
  }

  #representative(state: S): S {
    const canonical = this.#canonical;
    return canonical === undefined ? state : guarded('the state that stands for it', () => canonical(state));
  }

  #of(state: S, fresh: boolean): void {
    const key = this.#key;
    const value: unknown = key === undefined ? state : guarded('its key', () => key(state));
    if (typeof value === 'number') this.#number(value);
    else this.#hash(value, fresh);
  }

  #number(n: number): void {
    if (this.#exact !== true) this.#decide(true);
    if (!(n >= 0 && n <= Number.MAX_SAFE_INTEGER) || Math.floor(n) !== n)
      throw new ModelFault('not-serializable', `a state's key is ${n}, and must be a natural number up to 2^53 - 1`);
    this.hi = Math.floor(n / 0x1_0000_0000);
    this.lo = n >>> 0;
  }

  #hash(value: unknown, fresh: boolean): void {
    if (this.#exact !== false) this.#decide(false);
    try {
      if (value instanceof Int32Array) this.#fingerprint.ofWords(value);
      else if (fresh) this.#fingerprint.fresh(value);
      else this.#fingerprint.of(value);
    } catch (error) {
      if (!(error instanceof UnsupportedValue)) throw error;
      throw new ModelFault('not-serializable', `a state cannot be written down: ${errorWords(error)}`);
    }
    this.hi = this.#fingerprint.hi >>> 0;
    this.lo = this.#fingerprint.lo >>> 0;
  }

  #decide(exact: boolean): void {
    if (this.#exact !== undefined)
      throw new ModelFault('not-serializable', 'some states have a number as their key and others do not');
    this.#exact = exact;
  }
}
