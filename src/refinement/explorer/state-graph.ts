/** The graph of the states within the bounds: every step that changes the state, by its action instance. */

import { showValue } from '../values.js';
import type { Graph } from './components.js';
import { errorWords, ModelFault } from './fault.js';
import { IntList } from './int-list.js';
import type { ActionValue, Property, StateModel } from './model.js';
import { StateKey } from './state-key.js';
import type { StateTable } from './state-table.js';
import { actionWords } from './trace.js';
import { walking } from './walk.js';

/** The label of steps without fairness. */
export const unfair = -1;

type LeadsTo<S, A> = Extract<Property<S, A>, { kind: 'leadsTo' }>;

/** The graph of all states within the bounds, and where each property's premise and goal hold. */
export interface StateGraph extends Graph {
  /** Action instances, by label. */
  readonly instances: readonly string[];
  /** For each property and state: 1 if the premise holds, plus 2 if the goal does. */
  readonly marks: readonly Uint8Array[];
}

/** Explores all states once more, and notes every step that changes the state; rests after each state. */
export function* stateGraph<S, A extends ActionValue>(
  model: StateModel<S, A>,
  table: StateTable,
): Generator<void, StateGraph> {
  const properties = model.properties.filter((p): p is LeadsTo<S, A> => p.kind === 'leadsTo');
  const marks = properties.map(() => new Uint8Array(table.size));
  const starts = new Int32Array(table.size + 1);
  const targets = new IntList();
  const labels = new IntList();
  const instances: string[] = [];
  const labelOf = new Map<string, number>();
  const key = new StateKey(model, false);

  const label = (action: A): number => {
    if (model.fair !== undefined && !model.fair(action)) return unfair;
    const words = actionWords(model, action);
    const known = labelOf.get(words);
    if (known !== undefined) return known;
    labelOf.set(words, instances.length);
    return instances.push(words) - 1;
  };

  let filled = 0;
  yield* walking(model, table, false, (id, state, emissions) => {
    while (filled <= id) starts[filled++] = targets.length;
    properties.forEach((property, i) => {
      (marks[i] as Uint8Array)[id] = markOf(property, state);
    });
    for (const { action, next } of emissions) {
      key.of(next);
      const target = table.find(key.hi, key.lo);
      if (target < 0) throw new ModelFault('not-deterministic', 'a step leads elsewhere when it is executed again');
      if (target === id) continue;
      targets.push(target);
      labels.push(label(action));
    }
  });
  while (filled <= table.size) starts[filled++] = targets.length;
  return { starts, targets: targets.view(), labels: labels.view(), instances, marks };
}

const markOf = <S, A>({ name, premise, goal }: LeadsTo<S, A>, state: S): number => {
  try {
    return (premise(state) ? 1 : 0) + (goal(state) ? 2 : 0);
  } catch (error) {
    throw new ModelFault(
      'threw',
      `the property "${name}" threw ${errorWords(error)} in the state ${showValue(state, 200)}`,
    );
  }
};

/** The labels of fair instances that are enabled in a state; a step to a state beyond the bounds is enabled too. */
export const enabledIn = ({ starts, labels }: Graph, node: number): ReadonlySet<number> => {
  const enabled = new Set<number>();
  for (let e = starts[node] as number; e < (starts[node + 1] as number); e++) {
    const label = labels[e] as number;
    if (label !== unfair) enabled.add(label);
  }
  return enabled;
};
