/** What a check answers: nothing wrong, or a violation that says in words what is false and shows the evidence. */
import { E } from './prelude.js';

/** A broken rule. `code` is stable and listed in docs/violations.md; `evidence` holds the values that show it. */
export interface Violation {
  readonly code: string;
  readonly rule: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** `Right` when the rule holds. */
export type Check = E.Either<Violation, void>;

/** The check that found nothing wrong. */
export const holds: Check = E.right(undefined);

/** A failed check: `code` as in docs/violations.md, `rule` in words. */
export const violated = (
  code: string,
  rule: string,
  evidence: Readonly<Record<string, unknown>> = {},
): E.Either<Violation, never> => E.left({ code, rule, evidence });

/** The first violation of a sequence of checks, evaluated lazily. */
export const firstViolation = (checks: Iterable<() => Check>): Check => {
  for (const check of checks) {
    const result = check();
    if (E.isLeft(result)) return result;
  }
  return holds;
};

/** A named property of every reachable state, with where it comes from. */
export interface Invariant<S> {
  readonly name: string;
  readonly source: string;
  readonly check: (state: S) => Check;
}
