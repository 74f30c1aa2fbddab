/** The shape of a counterexample to leads-to: a path to a component of states that avoid the goal, and a way round it. */
import { enabledIn, type StateGraph } from './state-graph.js';
import type { StateTable } from './state-table.js';

/** A path to a component that avoids the goal, and a way round it. */
export interface Starvation {
  /** States from an initial one on, by number. */
  readonly prefix: readonly number[];
  /** What follows for ever: states and the instances that lead to them; empty if nothing happens any more. */
  readonly cycle: readonly { readonly id: number; readonly instance: string | undefined }[];
}

type Step = Starvation['cycle'][number];

/** Of one property: the states that can be reached from the premise without the goal. */
export class Lasso {
  readonly #graph: StateGraph;
  readonly #table: StateTable;
  /** 1 plus the length of the shortest path found from an initial state through the premise; 0 where there is none. */
  readonly #cost: Int32Array;
  /** The state before on that path; -1 at the premise. */
  readonly #before: Int32Array;

  constructor(graph: StateGraph, table: StateTable, marks: Uint8Array) {
    this.#graph = graph;
    this.#table = table;
    this.#cost = new Int32Array(table.size);
    this.#before = new Int32Array(table.size).fill(-1);
    this.#spread(marks);
  }

  readonly avoids = (node: number): boolean => (this.#cost[node] as number) > 0;

  costOf(node: number): number {
    return this.#cost[node] as number;
  }

  /** From every state with the premise and without the goal, nearest to an initial state first. */
  #spread(marks: Uint8Array): void {
    const { starts, targets } = this.#graph;
    const layers: number[][] = [];
    const put = (cost: number, id: number): void => {
      const layer = layers[cost];
      if (layer === undefined) layers[cost] = [id];
      else layer.push(id);
    };
    const depths = new Int32Array(this.#table.size);
    for (let id = 0; id < marks.length; id++) {
      const parent = this.#table.parentOf(id);
      depths[id] = parent < 0 ? 1 : (depths[parent] as number) + 1;
      if (marks[id] === 1) put(depths[id] as number, id);
    }
    for (let cost = 1; cost < layers.length; cost++) {
      for (const id of layers[cost] ?? []) {
        if (this.#cost[id] !== 0) continue;
        this.#cost[id] = cost;
        for (let e = starts[id] as number; e < (starts[id + 1] as number); e++) {
          const next = targets[e] as number;
          if (this.#cost[next] !== 0 || !this.#isWithoutGoal(marks, next)) continue;
          if (this.#before[next] === -1 && marks[next] !== 1) this.#before[next] = id;
          put(cost + 1, next);
        }
      }
    }
  }

  #isWithoutGoal(marks: Uint8Array, id: number): boolean {
    return this.#table.isInner(id) && ((marks[id] as number) & 2) === 0;
  }

  /** The counterexample that enters `component` where it is nearest. */
  through(component: readonly number[]): Starvation {
    const entry = component.reduce((best, node) => (this.costOf(node) < this.costOf(best) ? node : best));
    const tail: number[] = [];
    let at = entry;
    for (; this.#before[at] !== -1; at = this.#before[at] as number) tail.push(at);
    return { prefix: [...this.#table.pathTo(at), ...tail.reverse()], cycle: this.#cycle(component, entry) };
  }

  /** From `entry` back to it, so that every fair instance is taken on the way or disabled somewhere on it. */
  #cycle(component: readonly number[], entry: number): readonly Step[] {
    const members = new Set(component);
    const cycle: Step[] = [];
    const open = new Set(enabledIn(this.#graph, entry));
    let at = entry;
    for (const label of open) {
      // On the way to serve one instance others are served too.
      if (!this.#isOpen(cycle, entry, label)) continue;
      const path = this.#path(members, at, (node, via) => via === label || !enabledIn(this.#graph, node).has(label));
      cycle.push(...path);
      at = path.at(-1)?.id ?? at;
    }
    if (at !== entry) cycle.push(...this.#path(members, at, (node) => node === entry));
    return cycle;
  }

  #isOpen(cycle: readonly Step[], entry: number, label: number): boolean {
    const name = this.#graph.instances[label];
    return [entry, ...cycle.map(({ id }) => id)].every((id) => enabledIn(this.#graph, id).has(label))
      ? !cycle.some(({ instance }) => instance === name)
      : false;
  }

  /** A shortest path of at least one step within `members` to a step that `ends`; empty if there is none. */
  #path(members: ReadonlySet<number>, from: number, ends: (node: number, label: number) => boolean): readonly Step[] {
    const { starts, targets, labels, instances } = this.#graph;
    const reached = new Map<number, { readonly before: number; readonly label: number }>();
    const queue = [from];
    const step = (id: number, label: number): Step => ({ id, instance: instances[label] });
    for (const node of queue) {
      for (let e = starts[node] as number; e < (starts[node + 1] as number); e++) {
        const next = targets[e] as number;
        if (!members.has(next)) continue;
        const label = labels[e] as number;
        if (ends(next, label)) {
          const path = [step(next, label)];
          for (let at = node; at !== from; ) {
            const { before, label: via } = reached.get(at) as { before: number; label: number };
            path.push(step(at, via));
            at = before;
          }
          return path.reverse();
        }
        if (next === from || reached.has(next)) continue;
        reached.set(next, { before: node, label });
        queue.push(next);
      }
    }
    return [];
  }
}
