/**
 * The judge of one node: on every step it runs the protocol from its own state on what the node received, and compares
 * what the protocol sends and reaches with what the host did (docs/reduction.md, "Macro step"; IronFleet, SOSP 2015,
 * section 3.5). It shares nothing mutable with the host.
 */
import { bytesOfStep, StepWindow } from '../network/journal.js';
import type { StepRecord } from '../network/step-io.js';
import { type Check, type Violation, violated } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { ComponentComparison } from './component-comparison.js';
import type { HostRefinement } from './host-refinement.js';
import { type Judged, refineStep } from './macro-step.js';

export type { Judged } from './macro-step.js';

/**
 * Steps, and bytes of their messages, of which the judge can say from which state they began: an earlier state keeps alive what was dropped
 * since, and what lives long costs the collector the most.
 */
const traceStepsMax = 64;
const traceBytesMax = 1 << 18;

/** How much is compared in a step: what changed and a slice, or everything too (in simulation, where both verdicts must agree). */
export type Thoroughness = 'changed' | 'full';

/** Judges the steps of one host, in order. After a violation it must not be asked again. */
export class HostJudge<C, H, S, M, Step, W> {
  readonly #refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly #me: EndPoint;
  readonly #comparison: ComponentComparison<H, S>;
  readonly #thoroughness: Thoroughness;
  #state: S;
  #stepsChecked = 0;
  /** The states before the last steps: persistent values, so that keeping them costs what changed. */
  readonly #earlier = new StepWindow<S>(traceStepsMax, traceBytesMax);

  constructor(
    refinement: HostRefinement<C, H, S, M, Step, W>,
    constants: C,
    me: EndPoint,
    thoroughness: Thoroughness = 'changed',
  ) {
    this.#refinement = refinement;
    this.#me = me;
    this.#comparison = new ComponentComparison(refinement.components);
    this.#thoroughness = thoroughness;
    this.#state = refinement.protocol.init(constants, me);
  }

  /** The protocol's own state: immutable. */
  get state(): S {
    return this.#state;
  }

  /** Steps that were judged and passed. */
  get stepsChecked(): number {
    return this.#stepsChecked;
  }

  /**
   * For a trace: of the judged steps the last `count` at most (the one that failed included), how many there are and the
   * state before the first of them.
   */
  base(count: number): { readonly steps: number; readonly state: S } {
    const judged = this.#stepsChecked + 1;
    const steps = Math.max(1, Math.min(count, judged, this.#earlier.size));
    return { steps, state: this.#earlier.last(steps) ?? this.#state };
  }

  /** HostInit: the host's first state abstracts to the protocol's. Also right after a clean stop, as the last comparison. */
  compareAll(host: H): Check {
    return this.#comparison.full(host, this.#state);
  }

  /** HostNext: the verdict on one step, with the host as the step left it. On `Left` nothing of the step may leave the node. */
  judge(record: StepRecord<W>, host: H): E.Either<Violation, Judged<S, M, Step>> {
    const before = this.#state;
    this.#earlier.append(before, bytesOfStep(record));
    const verdict = refineStep(this.#refinement, this.#me, before, record);
    if (E.isLeft(verdict)) return verdict;
    const after = verdict.right.at(-1)?.after ?? before;
    const compared = this.#compare(host, record, before, after);
    if (E.isLeft(compared)) return compared;
    this.#state = after;
    this.#stepsChecked++;
    return verdict;
  }

  #compare(host: H, record: StepRecord<W>, before: S, after: S): Check {
    const changed = this.#comparison.changed(host, record.touches, before, after);
    if (this.#thoroughness === 'changed' || E.isLeft(changed)) return changed;
    const full = this.#comparison.full(host, after);
    if (E.isRight(full)) return full;
    return violated('UNDECLARED_CHANGE', 'a host declares what it changes', full.left.evidence);
  }
}
