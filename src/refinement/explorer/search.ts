/** Breadth-first exploration on one thread. */
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { conclude } from './conclude.js';
import { Expander } from './expander.js';
import type { Exploration, ExploreOptions, StopReason } from './exploration.js';
import { isOutOfMemory, ModelFault } from './fault.js';
import { Frontier, hasNumericStates } from './frontier.js';
import { canGoOn, Limits } from './limits.js';
import type { ActionValue, StateModel } from './model.js';
import { refuseMisfits } from './refuse.js';
import { StateTable, tableMemory } from './state-table.js';
import { addTotals } from './totals.js';
import { walkStates } from './walk.js';

/** States of the first table. */
const capacityFirst = 2 ** 16;

/** States explored between two looks at the clock, and the time after which others on this thread have a turn. */
const statesPerLook = 64;
const sliceMs = 40;

class Search<S, A extends ActionValue> {
  readonly #model: StateModel<S, A>;
  readonly #options: ExploreOptions;
  readonly #symmetry: boolean;
  readonly #limits: Limits;
  readonly #table: StateTable;
  readonly #expander: Expander<S, A>;
  readonly #numeric: boolean;
  readonly #frontier: Frontier<S>;
  /** The next state to explore, and the first of the next level. */
  #head = 0;
  #levelEnd = 0;
  #level = 0;
  #depth = 0;
  #stopped: StopReason | undefined;
  #fault: ModelFault | undefined;

  constructor(model: StateModel<S, A>, options: ExploreOptions) {
    this.#model = model;
    this.#options = options;
    this.#symmetry = options.symmetry === true;
    const resumed = options.resume === undefined ? undefined : loadCheckpoint(options.resume, model, this.#symmetry);
    this.#limits = new Limits(options, resumed?.seconds ?? 0);
    this.#table = new StateTable(resumed?.memory ?? tableMemory(capacityFirst, false), false);
    this.#numeric = hasNumericStates(model);
    this.#frontier = new Frontier(this.#table, this.#numeric);
    this.#expander = new Expander(model, this.#table, this.#symmetry, (id, state) => this.#frontier.add(id, state));
    if (resumed === undefined) return;
    ({ head: this.#head, levelEnd: this.#levelEnd, level: this.#level, depth: this.#depth } = resumed);
    addTotals(this.#expander.totals, resumed.totals);
  }

  async run(): Promise<Exploration> {
    this.#guarded(() => {
      if (this.#options.resume !== undefined) this.#resume();
      else this.#begin();
    });
    while (this.#stopped === undefined && this.#head < this.#table.size) {
      this.#guarded(() => this.#slice());
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (canGoOn(this.#stopped)) this.#save();
    const result = await this.#conclude();
    // Of leads-to only the second pass is missing: whoever goes on has explored all states already.
    if (this.#stopped === undefined && canGoOn(result.stopped)) this.#save();
    return result;
  }

  #begin(): void {
    if (!this.#expander.begin()) this.#stopped = 'memory';
    if (this.#expander.found !== undefined) this.#stopped = 'violation';
    this.#levelEnd = this.#table.size;
  }

  /** The states to explore are not in the file: they are executed again. */
  #resume(): void {
    if (this.#numeric) return;
    walkStates(this.#model, this.#table, this.#symmetry, (id, state) => {
      if (id >= this.#head) this.#frontier.add(id, state);
    });
  }

  /** Explores for a while. */
  #slice(): void {
    this.#stopped = this.#limits.stop(this.#expander.totals.distinct);
    const until = performance.now() + sliceMs;
    while (this.#stopped === undefined && this.#head < this.#table.size && performance.now() < until) {
      for (let i = 0; i < statesPerLook && this.#stopped === undefined && this.#head < this.#table.size; i++)
        this.#one();
    }
    this.#limits.report(() => this.#progress());
    if (this.#stopped === undefined && this.#limits.checkpointDue()) this.#save();
  }

  #one(): void {
    if (this.#head === this.#levelEnd) {
      this.#levelEnd = this.#table.size;
      this.#level++;
    }
    const id = this.#head;
    if (this.#table.isInner(id)) {
      this.#depth = this.#level;
      const state = this.#frontier.take(id);
      if (this.#expander.expand(id, state) >= 0) {
        this.#stopped = this.#expander.found === undefined ? 'memory' : 'violation';
        return;
      }
    }
    this.#head++;
    const { found, totals } = this.#expander;
    if (found !== undefined) this.#stopped = 'violation';
    else if (totals.distinct > (this.#options.statesMax ?? Number.POSITIVE_INFINITY)) this.#stopped = 'states';
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (isOutOfMemory(error)) {
        this.#stopped = 'memory';
        return;
      }
      if (!(error instanceof ModelFault)) throw error;
      this.#fault = error;
      this.#stopped = 'fault';
    }
  }

  #progress() {
    const { generated, distinct } = this.#expander.totals;
    return { generated, distinct, queue: this.#table.size - this.#head, depth: this.#depth };
  }

  #save(): void {
    if (this.#options.checkpoint === undefined) return;
    saveCheckpoint(this.#options.checkpoint, this.#model, {
      memory: this.#table.memory,
      symmetry: this.#symmetry,
      head: this.#head,
      levelEnd: this.#levelEnd,
      level: this.#level,
      depth: this.#depth,
      seconds: this.#limits.seconds(),
      totals: this.#expander.totals,
    });
  }

  #conclude(): Promise<Exploration> {
    const { totals, found, key, at } = this.#expander;
    return conclude({
      model: this.#model,
      table: this.#table,
      totals,
      symmetry: this.#symmetry,
      exact: key.exact,
      depth: this.#depth,
      seconds: () => this.#limits.seconds(),
      stopped: this.#stopped,
      stop: () => this.#limits.stop(totals.distinct),
      found,
      fault: this.#fault === undefined ? undefined : { error: this.#fault, at },
    });
  }
}

/**
 * Explores every reachable state of `model` within its bounds, breadth first, and judges its properties. Stops at the first
 * violation, whose trace is a shortest one. Throws `ExploreRefusal` where the options do not fit.
 */
export const explore = async <S, A extends ActionValue>(
  model: StateModel<S, A>,
  options: ExploreOptions = {},
): Promise<Exploration> => {
  refuseMisfits(model, options);
  return new Search(model, options).run();
};
