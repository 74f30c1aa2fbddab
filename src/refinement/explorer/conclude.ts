/** From a table of explored states to an answer: traces, vacuity, leads-to, coverage. */
import { showValue } from '../values.js';
import { type FoundAt, nameOf } from './expander.js';
import type { Exploration, FoundViolation, ShownStep, StopReason } from './exploration.js';
import { ModelFault } from './fault.js';
import { collisionProbability } from './fingerprint.js';
import type { Starvation } from './lasso.js';
import { judgeLeadsTo } from './liveness.js';
import type { ActionValue, StateModel } from './model.js';
import { stateGraph } from './state-graph.js';
import type { StateTable } from './state-table.js';
import type { Totals } from './totals.js';
import { Retrace, type TraceStep } from './trace.js';

/** Everything that was explored, however. */
export interface Explored<S, A extends ActionValue> {
  readonly model: StateModel<S, A>;
  readonly table: StateTable;
  readonly totals: Totals;
  readonly symmetry: boolean;
  readonly exact: boolean;
  readonly depth: number;
  readonly seconds: () => number;
  readonly stopped: StopReason | undefined;
  readonly found: FoundAt | undefined;
  /** What is wrong with the model, and the state at which it was seen. */
  readonly fault: { readonly error: ModelFault; readonly at: number } | undefined;
}

/** Characters of a state in a trace. */
const stateMax = 2_000;

class Conclusion<S, A extends ActionValue> {
  readonly found: FoundViolation[] = [];
  /** The graph of all states did not fit. */
  outOfMemory = false;
  fault: Exploration['fault'];
  readonly #explored: Explored<S, A>;
  readonly #retrace: Retrace<S, A>;

  constructor(explored: Explored<S, A>) {
    this.#explored = explored;
    this.#retrace = new Retrace(explored.model, explored.table, explored.symmetry);
  }

  run(): void {
    const { found, fault, stopped } = this.#explored;
    this.#guarded(() => {
      if (fault !== undefined) this.#report(fault.error, fault.at);
      else if (found !== undefined) this.#violation(found);
      else if (stopped === undefined) this.#judgeAll();
    });
  }

  /** A model that cannot be executed again is at fault, whatever was found before. */
  #guarded(conclude: () => void): void {
    try {
      conclude();
    } catch (error) {
      // What a typed array throws that cannot be allocated.
      if (error instanceof RangeError && /allocation|array length/i.test(error.message)) {
        this.outOfMemory = true;
        return;
      }
      if (!(error instanceof ModelFault)) throw error;
      this.fault = { kind: error.kind, sentence: error.message, trace: [] };
    }
  }

  #report(error: ModelFault, at: number): void {
    this.fault = { kind: error.kind, sentence: error.message, trace: [] };
    if (at >= 0 && error.kind !== 'not-deterministic') {
      this.fault = { ...this.fault, trace: this.#shown(this.#retrace.to(at)) };
    }
  }

  #violation({ id, place, violation }: FoundAt): void {
    const path = [...this.#retrace.to(id)];
    if (place !== undefined) path.push(this.#retrace.stepAt((path.at(-1) as TraceStep<S>).state, place));
    this.found.push({ ...violation, trace: this.#shown(path), loopFrom: undefined });
  }

  #judgeAll(): void {
    for (const [name, count] of this.#explored.totals.reached) {
      if (count === 0) this.#vacuous('NEVER_REACHED', name, 'no reachable state has this property');
    }
    const leadsTo = this.#explored.model.properties.filter((p) => p.kind === 'leadsTo');
    if (leadsTo.length === 0) return;
    const graph = stateGraph(this.#explored.model, this.#explored.table);
    leadsTo.forEach(({ name }, i) => {
      const verdict = judgeLeadsTo(graph, this.#explored.table, graph.marks[i] as Uint8Array);
      if (verdict.tag === 'vacuous') this.#vacuous('PREMISE_NEVER_REACHED', name, 'no reachable state has its premise');
      if (verdict.tag === 'refuted') this.#starved(name, verdict.starvation);
    });
  }

  #vacuous(code: 'NEVER_REACHED' | 'PREMISE_NEVER_REACHED', rule: string, why: string): void {
    this.found.push({ code, rule, evidence: { why }, trace: [], loopFrom: undefined });
  }

  #starved(rule: string, { prefix, cycle }: Starvation): void {
    const path = [...this.#retrace.along(prefix)];
    const loopFrom = path.length - 1;
    for (const { id, instance } of cycle)
      path.push(this.#retrace.step((path.at(-1) as TraceStep<S>).state, id, instance));
    const why =
      cycle.length === 0
        ? 'in the last state no fair action is enabled'
        : `from state ${loopFrom} of the trace on, the last ${cycle.length} steps repeat for ever`;
    this.found.push({ code: 'LEADS_TO', rule, evidence: { why }, trace: this.#shown(path), loopFrom });
  }

  #shown(path: readonly TraceStep<S>[]): readonly ShownStep[] {
    const { show } = this.#explored.model;
    return path.map(({ action, state }) => ({
      action,
      state: showValue(show === undefined ? state : show(state), stateMax),
    }));
  }
}

/** The answer. Explores all states again where a leads-to property asks for it. */
export const conclude = <S, A extends ActionValue>(explored: Explored<S, A>): Exploration => {
  const { model, totals, depth, exact, stopped } = explored;
  const conclusion = new Conclusion(explored);
  conclusion.run();
  const { found, fault, outOfMemory } = conclusion;
  const ended = fault !== undefined ? 'fault' : outOfMemory ? 'memory' : stopped;
  return {
    model: model.name,
    generated: totals.generated,
    distinct: totals.distinct,
    depth,
    complete: ended === undefined,
    stopped: ended,
    cut: totals.cut,
    ends: totals.ends,
    seconds: explored.seconds(),
    collisionProbability: collisionProbability(totals.distinct + totals.cut, exact),
    actions: coverageOf(model, totals),
    classes: Object.fromEntries(totals.classes),
    reached: Object.fromEntries(totals.reached),
    found,
    fault,
  };
};

/** By name: the instances of an action together. */
const coverageOf = <S, A extends ActionValue>(model: StateModel<S, A>, totals: Totals): Exploration['actions'] => {
  const rows = new Map<string, { action: string; generated: number; distinct: number }>();
  for (const [action, { generated, distinct }] of totals.actions) {
    // Actions that are objects were named when they were counted, and a name is named by itself.
    const name = nameOf(model, action as A);
    const row = rows.get(name);
    if (row === undefined) rows.set(name, { action: name, generated, distinct });
    else {
      row.generated += generated;
      row.distinct += distinct;
    }
  }
  return [...rows.values()].sort((a, b) => (a.action < b.action ? -1 : 1));
};
