/** From a table of explored states to an answer: traces, vacuity, leads-to, coverage. */
import { showValue } from '../values.js';
import { type FoundAt, nameOf } from './expander.js';
import type { Exploration, FoundViolation, ShownStep, StopReason } from './exploration.js';
import { isOutOfMemory, ModelFault } from './fault.js';
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
  /** Why to stop now, if there is a reason: the limits hold for the second pass too. */
  readonly stop: () => StopReason | undefined;
  readonly found: FoundAt | undefined;
  /** What is wrong with the model, and the state at which it was seen. */
  readonly fault: { readonly error: ModelFault; readonly at: number } | undefined;
}

/** States between two looks at the clock, and the time after which others on this thread have a turn. */
const statesPerLook = 64;
const sliceMs = 40;

/** Characters of a state in a trace. */
const stateMax = 2_000;

class Conclusion<S, A extends ActionValue> {
  readonly found: FoundViolation[] = [];
  /** Leads-to was not judged to its end. */
  stopped: StopReason | undefined;
  fault: Exploration['fault'];
  readonly #explored: Explored<S, A>;
  readonly #retrace: Retrace<S, A>;

  constructor(explored: Explored<S, A>) {
    this.#explored = explored;
    this.#retrace = new Retrace(explored.model, explored.table, explored.symmetry);
  }

  async run(): Promise<void> {
    const { found, fault, stopped } = this.#explored;
    await this.#guarded(async () => {
      if (fault !== undefined) this.#report(fault.error, fault.at);
      else if (found !== undefined) this.#violation(found);
      else if (stopped === undefined) await this.#judgeAll();
    });
  }

  /** A model that cannot be executed again is at fault, whatever was found before. */
  async #guarded(conclude: () => Promise<void>): Promise<void> {
    try {
      await conclude();
    } catch (error) {
      if (isOutOfMemory(error)) {
        this.stopped = 'memory';
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

  async #judgeAll(): Promise<void> {
    for (const [name, count] of this.#explored.totals.reached) {
      if (count === 0) this.#vacuous('NEVER_REACHED', name, 'no reachable state has this property');
    }
    const leadsTo = this.#explored.model.properties.filter((p) => p.kind === 'leadsTo');
    if (leadsTo.length === 0) return;
    const graph = await this.#inSlices(stateGraph(this.#explored.model, this.#explored.table));
    if (graph === undefined) return;
    for (const [i, { name }] of leadsTo.entries()) {
      await this.#rest();
      if (this.stopped !== undefined) return;
      const verdict = judgeLeadsTo(graph, this.#explored.table, graph.marks[i] as Uint8Array);
      if (verdict.tag === 'vacuous') this.#vacuous('PREMISE_NEVER_REACHED', name, 'no reachable state has its premise');
      if (verdict.tag === 'refuted') this.#starved(name, verdict.starvation);
    }
  }

  /** Lets others on this thread have a turn, Ctrl-C among them, and notes whether to stop. */
  async #rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.stopped = this.#explored.stop();
  }

  /** What `work` comes to, a slice at a time; `undefined` where a limit ends it. */
  async #inSlices<T>(work: Generator<void, T>): Promise<T | undefined> {
    let until = performance.now() + sliceMs;
    for (let done = 1; ; done++) {
      const { done: ended, value } = work.next();
      if (ended === true) return value;
      if (done % statesPerLook !== 0 || performance.now() < until) continue;
      await this.#rest();
      if (this.stopped !== undefined) return undefined;
      until = performance.now() + sliceMs;
    }
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
export const conclude = async <S, A extends ActionValue>(explored: Explored<S, A>): Promise<Exploration> => {
  const { model, totals, depth, exact, stopped } = explored;
  const conclusion = new Conclusion(explored);
  await conclusion.run();
  const { found, fault } = conclusion;
  const ended = fault !== undefined ? 'fault' : (stopped ?? conclusion.stopped);
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
