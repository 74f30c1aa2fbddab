/** One thread of a parallel exploration: explores its share of each level, over a table that all share. */
import { parentPort, workerData } from 'node:worker_threads';
import { E } from '../../spec/prelude.js';
import { fromPlain, toPlain } from '../values.js';
import { Expander } from './expander.js';
import { ModelFault } from './fault.js';
import { Frontier, hasNumericStates } from './frontier.js';
import type { ActionValue, StateModel } from './model.js';
import { StateTable } from './state-table.js';
import {
  type Command,
  controlWords,
  loadModel,
  type MovedState,
  type Reply,
  type Rest,
  type WorkerData,
} from './worker-protocol.js';

/** States taken at a time where they are numbers, and states between two reports of progress. */
const chunk = 32;
const reportEvery = 64;

class ExplorerWorker {
  readonly #data: WorkerData;
  readonly #table: StateTable;
  readonly #expander: Expander<unknown, ActionValue>;
  readonly #frontier: Frontier<unknown>;
  readonly #numeric: boolean;
  /** The states of this level and the next that this worker holds, by number. */
  #current: number[] = [];
  #next: number[] = [];
  /** Of the chunk or the list under way. */
  #at = 0;
  #end = 0;
  #levelEnd = 0;
  /** The place from which to go on within the state at `#at`. */
  #place = 0;
  #explored = 0;

  constructor(data: WorkerData, model: StateModel<unknown, ActionValue>) {
    this.#data = data;
    this.#numeric = hasNumericStates(model);
    this.#table = new StateTable(data.memory, true);
    this.#frontier = new Frontier(this.#table, this.#numeric);
    this.#expander = new Expander(model, this.#table, data.symmetry, (id, state) => {
      if (this.#numeric) return;
      this.#frontier.add(id, state);
      this.#next.push(id);
    });
  }

  obey(command: Command): Reply {
    switch (command.tag) {
      case 'begin':
        return this.#guarded(() => (this.#expander.begin() ? 'done' : 'full'));
      case 'level':
        this.#levelEnd = command.to;
        this.#explored = 0;
        if (command.advance) this.#advance();
        [this.#at, this.#end] = [0, this.#numeric ? 0 : this.#current.length];
        return this.#guarded(() => this.#level());
      case 'go':
        this.#table.memory = command.memory;
        return this.#guarded(() => this.#level());
      case 'give':
        return { tag: 'given', states: this.#next.splice(0, command.count).map((id) => this.#give(id)) };
      case 'take':
        for (const { id, plain } of command.states) this.#take(id, plain, command.next);
        return this.#rest('done', undefined);
    }
  }

  #advance(): void {
    this.#current = this.#next;
    this.#next = [];
  }

  #give(id: number): MovedState {
    return { id, plain: toPlain(this.#frontier.take(id)) };
  }

  #take(id: number, plain: unknown, next: boolean): void {
    const state = fromPlain(plain);
    if (E.isLeft(state)) throw new Error(`a state did not survive its way to another thread: ${state.left}`);
    this.#frontier.add(id, state.right);
    (next ? this.#next : this.#current).push(id);
  }

  /** Explores until the level is done, or it must rest. */
  #level(): Rest['why'] {
    const { control } = this.#data;
    for (;;) {
      if (this.#at === this.#end && !this.#draw()) return 'done';
      if (Atomics.load(control, controlWords.stop) !== 0) return 'stopped';
      if (Atomics.load(control, controlWords.pause) !== 0) return 'paused';
      const id = this.#numeric ? this.#at : (this.#current[this.#at] as number);
      if (!this.#one(id)) {
        Atomics.store(control, controlWords.pause, 1);
        return 'full';
      }
      this.#at++;
      if (++this.#explored % reportEvery === 0) this.#report();
      if (this.#expander.found !== undefined) {
        Atomics.store(control, controlWords.stop, 1);
        return 'stopped';
      }
    }
  }

  #one(id: number): boolean {
    if (!this.#table.isInner(id)) return true;
    const state = this.#frontier.take(id);
    this.#place = this.#expander.expand(id, state, Math.max(this.#place, 0));
    if (this.#place < 0) return true;
    this.#frontier.add(id, state);
    return false;
  }

  /** Takes the next states of the level where all share them. */
  #draw(): boolean {
    if (!this.#numeric) return false;
    const from = Atomics.add(this.#data.control, controlWords.cursor, chunk);
    if (from >= this.#levelEnd) return false;
    [this.#at, this.#end] = [from, Math.min(from + chunk, this.#levelEnd)];
    return true;
  }

  #report(): void {
    const { progress, index } = this.#data;
    const { generated, distinct } = this.#expander.totals;
    progress[2 * index] = generated;
    progress[2 * index + 1] = distinct;
  }

  #guarded(work: () => Rest['why']): Reply {
    try {
      return this.#rest(work(), undefined);
    } catch (error) {
      if (!(error instanceof ModelFault)) throw error;
      Atomics.store(this.#data.control, controlWords.stop, 1);
      return this.#rest('stopped', { kind: error.kind, sentence: error.message, at: this.#expander.at });
    }
  }

  #rest(why: Rest['why'], fault: Rest['fault']): Reply {
    this.#table.leaveSpare();
    this.#report();
    const { totals, key, found } = this.#expander;
    const rest = { why, totals, exact: key.exact, explored: this.#explored, held: this.#next.length, found, fault };
    return { tag: 'rest', rest };
  }
}

const port = parentPort;
if (port !== null) {
  const data = workerData as WorkerData;
  const worker = new ExplorerWorker(data, await loadModel(data.source));
  port.on('message', (command: Command) => port.postMessage(worker.obey(command)));
}
