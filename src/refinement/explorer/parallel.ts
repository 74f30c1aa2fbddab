/** Breadth-first exploration on several threads, level by level, over one table that all share. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toPlain } from '../values.js';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { conclude } from './conclude.js';
import { type Exploration, type ExploreOptions, ExploreRefusal, type StopReason } from './exploration.js';
import { ModelFault } from './fault.js';
import { hasNumericStates } from './frontier.js';
import { canGoOn, Limits } from './limits.js';
import type { ActionValue, StateModel } from './model.js';
import { refuseMisfits } from './refuse.js';
import { fillSlots, grown, StateTable, type TableMemory, tableMemory } from './state-table.js';
import { Thread } from './thread.js';
import { addTotals, emptyTotals, type Totals } from './totals.js';
import { walkStates } from './walk.js';
import {
  type Command,
  controlWords,
  loadModel,
  type ModelSource,
  type MovedState,
  type Rest,
} from './worker-protocol.js';

/** States of the first table. */
const capacityFirst = 2 ** 20;
const pollMs = 50;
/** States move between workers where one holds more than its share by this factor, and by this many. */
const unevenFactor = 1.25;
const unevenMin = 32;

class ParallelSearch {
  readonly #model: StateModel<unknown, ActionValue>;
  readonly #options: ExploreOptions;
  readonly #limits: Limits;
  readonly #numeric: boolean;
  readonly #symmetry: boolean;
  readonly #control = new Int32Array(new SharedArrayBuffer(4 * controlWords.count));
  readonly #progress: Float64Array;
  readonly #threads: readonly Thread[];
  /** What was counted before this process. */
  readonly #earlier: Totals = emptyTotals();
  #memory: TableMemory;
  #rests: readonly Rest[] = [];
  /** The level under way. */
  #from = 0;
  #to = 0;
  #level = 0;
  #depth = 0;
  #stopped: StopReason | undefined;

  constructor(model: StateModel<unknown, ActionValue>, source: ModelSource, workers: number, options: ExploreOptions) {
    this.#model = model;
    this.#options = options;
    this.#symmetry = options.symmetry === true;
    this.#numeric = hasNumericStates(model);
    const resumed = options.resume === undefined ? undefined : loadCheckpoint(options.resume, model, this.#symmetry);
    this.#limits = new Limits(options, resumed?.seconds ?? 0);
    this.#memory = resumed === undefined ? tableMemory(capacityFirst, true) : asShared(resumed.memory);
    if (resumed !== undefined) {
      ({ head: this.#from, levelEnd: this.#to, level: this.#level, depth: this.#depth } = resumed);
      if (this.#from === this.#to) this.#nextLevel();
      addTotals(this.#earlier, resumed.totals);
    }
    this.#progress = new Float64Array(new SharedArrayBuffer(16 * workers));
    const shared = {
      source,
      symmetry: this.#symmetry,
      memory: this.#memory,
      control: this.#control,
      progress: this.#progress,
    };
    this.#threads = Array.from({ length: workers }, (_, index) => new Thread({ ...shared, index }));
  }

  async run(): Promise<Exploration> {
    const poll = setInterval(() => this.#poll(), pollMs);
    try {
      await this.#explore();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
      this.#stopped = 'memory';
    } finally {
      clearInterval(poll);
      await Promise.all(this.#threads.map((thread) => thread.end()));
    }
    const result = await this.#conclude();
    // Of leads-to only the second pass is missing: whoever goes on has explored all states already.
    if (this.#stopped === undefined && canGoOn(result.stopped)) this.#save(this.#totals());
    return result;
  }

  async #explore(): Promise<void> {
    let advance = true;
    if (this.#options.resume === undefined) {
      this.#rests = [await (this.#threads[0] as Thread).rest({ tag: 'begin' })];
      this.#to = this.#size;
      this.#noteStops();
    } else advance = !(await this.#handOut());
    while (this.#stopped === undefined && this.#from < this.#to) {
      this.#stopped = this.#limits.stop(this.#distinct());
      if (this.#stopped !== undefined) break;
      const before = this.#totals();
      if (!this.#numeric) await this.#balance();
      await this.#runLevel(advance);
      if (this.#stopped !== undefined) {
        this.#save(before);
        return;
      }
      if (this.#rests.some(({ explored }) => explored > 0)) this.#depth = this.#level;
      this.#nextLevel();
      advance = true;
      if (this.#limits.checkpointDue()) this.#save(this.#totals());
    }
    if (this.#stopped !== undefined) this.#save(this.#totals());
  }

  #nextLevel(): void {
    this.#level++;
    [this.#from, this.#to] = [this.#to, this.#size];
  }

  get #size(): number {
    return this.#memory.next[0] as number;
  }

  /** Runs one level to its end, and lets the table grow on the way. */
  async #runLevel(advance: boolean): Promise<void> {
    Atomics.store(this.#control, controlWords.cursor, this.#from);
    this.#rests = await this.#all({ tag: 'level', to: this.#to, advance });
    while (this.#rests.some(({ why }) => why === 'full' || why === 'paused') && !this.#noteStops()) {
      try {
        this.#memory = grown(this.#memory, true);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#stopped = 'memory';
        return;
      }
      Atomics.store(this.#control, controlWords.pause, 0);
      this.#rests = await this.#all({ tag: 'go', memory: this.#memory });
    }
    this.#noteStops();
  }

  #all(command: Command): Promise<readonly Rest[]> {
    return Promise.all(this.#threads.map((thread) => thread.rest(command)));
  }

  #noteStops(): boolean {
    if (this.#rests.some(({ fault }) => fault !== undefined)) this.#stopped = 'fault';
    else if (this.#rests.some(({ found }) => found !== undefined)) this.#stopped = 'violation';
    return this.#stopped !== undefined;
  }

  /** Lets workers that hold many states for the next level give some to those that hold few. */
  async #balance(): Promise<void> {
    const held = this.#threads.map((_, i) => this.#rests[i]?.held ?? 0);
    const share = Math.ceil(held.reduce((sum, n) => sum + n, 0) / held.length);
    if (Math.max(...held) <= share * unevenFactor + unevenMin) return;
    const moved: MovedState[] = [];
    for (const [i, thread] of this.#threads.entries()) {
      const count = (held[i] as number) - share;
      if (count <= 0) continue;
      const reply = await thread.ask({ tag: 'give', count });
      if (reply.tag === 'given') moved.push(...reply.states);
    }
    for (const [i, thread] of this.#threads.entries()) {
      const count = share - (held[i] as number);
      if (count > 0) await thread.rest({ tag: 'take', states: moved.splice(0, count), next: true });
    }
  }

  /** Gives the states of a checkpoint to the workers; false where states are numbers, which need no handing out. */
  async #handOut(): Promise<boolean> {
    if (this.#numeric) return false;
    const current: MovedState[] = [];
    const next: MovedState[] = [];
    walkStates(this.#model, new StateTable(this.#memory, false), this.#symmetry, (id, state) => {
      if (id >= this.#from) (id < this.#to ? current : next).push({ id, plain: toPlain(state) });
    });
    for (const [states, isNext] of [
      [current, false],
      [next, true],
    ] as const) {
      const share = Math.ceil(states.length / this.#threads.length);
      for (const thread of this.#threads)
        await thread.rest({ tag: 'take', states: states.splice(0, share), next: isNext });
    }
    return true;
  }

  #poll(): void {
    const stop = this.#limits.stop(this.#distinct());
    if (stop !== undefined && this.#stopped === undefined) {
      this.#stopped = stop;
      Atomics.store(this.#control, controlWords.stop, 1);
    }
    this.#limits.report(() => ({
      generated: this.#earlier.generated + this.#sum(0),
      distinct: this.#distinct(),
      queue: Math.max(
        0,
        Atomics.load(this.#memory.next, 0) - Math.min(this.#to, Atomics.load(this.#control, controlWords.cursor)),
      ),
      depth: this.#level,
    }));
  }

  #sum(field: 0 | 1): number {
    return this.#threads.reduce((sum, _, i) => sum + (this.#progress[2 * i + field] as number), 0);
  }

  #distinct(): number {
    return this.#earlier.distinct + this.#sum(1);
  }

  #totals(): Totals {
    const totals = emptyTotals();
    addTotals(totals, this.#earlier);
    for (const rest of this.#rests) addTotals(totals, rest.totals);
    return totals;
  }

  /** Between levels: `totals` are those of the states below `#from`. */
  #save(totals: Totals): void {
    if (this.#options.checkpoint === undefined || this.#stopped === 'violation' || this.#stopped === 'fault') return;
    const next = Int32Array.of(this.#to);
    const { seconds, memory } = { seconds: this.#limits.seconds(), memory: { ...this.#memory, next } };
    const rest = {
      symmetry: this.#symmetry,
      head: this.#from,
      levelEnd: this.#to,
      level: this.#level,
      depth: this.#depth,
      seconds,
    };
    saveCheckpoint(this.#options.checkpoint, this.#model, { ...rest, memory, totals });
  }

  #conclude(): Promise<Exploration> {
    const fault = this.#rests.find((rest) => rest.fault !== undefined)?.fault;
    // All were found in one level: their traces are equally long.
    const found = this.#rests.find((rest) => rest.found !== undefined)?.found;
    return conclude({
      model: this.#model,
      table: new StateTable(this.#memory, false),
      totals: this.#totals(),
      symmetry: this.#symmetry,
      exact: this.#rests.some(({ exact }) => exact),
      depth: this.#depth,
      seconds: () => this.#limits.seconds(),
      stopped: this.#stopped,
      stop: () => this.#limits.stop(this.#distinct()),
      found,
      fault: fault === undefined ? undefined : { error: new ModelFault(fault.kind, fault.sentence), at: fault.at },
    });
  }
}

/** A copy of `memory` in shared buffers. */
const asShared = (memory: TableMemory): TableMemory => {
  const shared = tableMemory(Math.max(memory.capacity, capacityFirst), true);
  shared.keys.set(memory.keys);
  shared.parents.set(memory.parents);
  shared.via.set(memory.via);
  shared.next.set(memory.next);
  fillSlots(shared);
  return shared;
};

/**
 * As `explore`, on `workers` threads. Counts of a complete exploration are those of one thread; of several violations of one
 * length any may be reported. States that are no numbers travel between threads in their plain form. Checkpoints hold whole
 * levels. Needs the built package: a thread loads JavaScript.
 */
export const exploreInParallel = async (
  source: ModelSource,
  workers: number,
  options: ExploreOptions = {},
): Promise<Exploration> => {
  if (!existsSync(fileURLToPath(new URL('./worker.js', import.meta.url))))
    throw new ExploreRefusal('Several workers need the built package: build it, or use one.');
  const model = await loadModel(source);
  refuseMisfits(model, options);
  return new ParallelSearch(model, source, workers, options).run();
};
