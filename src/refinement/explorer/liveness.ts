/**
 * Leads-to under weak fairness. A counterexample is a reachable strongly connected component that avoids the goal after the
 * premise, and in which every fair action instance is taken, or is disabled in some state. Enabled means a step that
 * changes the state, so that a component of one state stands for staying there for ever. It is enough to look at the
 * largest components: a larger one disables and takes no less.
 */
import { type Graph, stronglyConnected } from './components.js';
import { Lasso, type Starvation } from './lasso.js';
import { enabledIn, type StateGraph } from './state-graph.js';
import type { StateTable } from './state-table.js';

/** What a leads-to property comes to. */
export type LeadsToVerdict =
  | { readonly tag: 'holds' }
  | { readonly tag: 'vacuous' }
  | { readonly tag: 'refuted'; readonly starvation: Starvation };

/** Judges the leads-to property whose marks are `marks`, over a graph that is complete within the bounds. */
export const judgeLeadsTo = (graph: StateGraph, table: StateTable, marks: Uint8Array): LeadsToVerdict => {
  if (!marks.some((mark) => (mark & 1) !== 0)) return { tag: 'vacuous' };
  const lasso = new Lasso(graph, table, marks);
  let best: readonly number[] | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  stronglyConnected(graph, lasso.avoids, (nodes) => {
    if (!isFair(graph, nodes)) return;
    const cost = nodes.reduce((least, node) => Math.min(least, lasso.costOf(node)), Number.POSITIVE_INFINITY);
    if (cost < bestCost) {
      bestCost = cost;
      best = nodes;
    }
  });
  return best === undefined ? { tag: 'holds' } : { tag: 'refuted', starvation: lasso.through(best) };
};

/** Whether an execution can stay in the component for ever and treat every instance with weak fairness. */
const isFair = (graph: Graph, nodes: readonly number[]): boolean => {
  // Instances enabled everywhere in the component; only they bind.
  let always: Set<number> | undefined;
  for (const node of nodes) {
    const enabled = enabledIn(graph, node);
    always = always === undefined ? new Set(enabled) : new Set([...always].filter((label) => enabled.has(label)));
    if (always.size === 0) return true;
  }
  const binding = always ?? new Set<number>();
  const members = new Set(nodes);
  for (const node of nodes) {
    for (let e = graph.starts[node] as number; e < (graph.starts[node + 1] as number); e++) {
      if (members.has(graph.targets[e] as number)) binding.delete(graph.labels[e] as number);
    }
  }
  return binding.size === 0;
};
