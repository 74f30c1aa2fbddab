/** Strongly connected components of a part of a graph (Tarjan, 1972), without recursion: graphs are deep. */

/** Edges by source: those of node `n` are `targets[starts[n]]` to `targets[starts[n + 1] - 1]`. */
export interface Graph {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  /** What each edge is labelled with. */
  readonly labels: Int32Array;
}

/**
 * Calls `found` for every component of the nodes for which `inside` holds, with its nodes. A node without an edge to itself
 * is a component too. Every component comes before those that lead to it.
 */
export const stronglyConnected = (
  { starts, targets }: Graph,
  inside: (node: number) => boolean,
  found: (nodes: readonly number[]) => void,
): void => {
  const count = starts.length - 1;
  // 0: not seen; otherwise the order of the first visit, from 1.
  const order = new Int32Array(count);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const edge = new Int32Array(count);
  const stack: number[] = [];
  const path: number[] = [];
  let visited = 0;

  const enter = (node: number): void => {
    order[node] = low[node] = ++visited;
    onStack[node] = 1;
    edge[node] = starts[node] as number;
    stack.push(node);
    path.push(node);
  };

  const leave = (node: number): void => {
    path.pop();
    const above = path.at(-1);
    if (above !== undefined) low[above] = Math.min(low[above] as number, low[node] as number);
    if (low[node] !== order[node]) return;
    const component = stack.splice(stack.lastIndexOf(node));
    for (const member of component) onStack[member] = 0;
    found(component);
  };

  for (let root = 0; root < count; root++) {
    if (order[root] !== 0 || !inside(root)) continue;
    enter(root);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const next = edge[node] as number;
      if (next === (starts[node + 1] as number)) {
        leave(node);
        continue;
      }
      edge[node] = next + 1;
      const target = targets[next] as number;
      if (!inside(target)) continue;
      if (order[target] === 0) enter(target);
      else if (onStack[target] === 1) low[node] = Math.min(low[node] as number, order[target] as number);
    }
  }
};
