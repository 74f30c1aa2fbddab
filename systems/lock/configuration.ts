/** The constants of a lock's cluster, known to every node and never changed while it runs. */
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

/** Tunable numbers; every node of a cluster uses the same. */
export interface Parameters {
  /** How long a node holds the lock before it grants it to the next. */
  readonly holdMs: number;
  /** How long a granter waits for word that its grant arrived before it sends it again. */
  readonly resendMs: number;
  /** Packets that a node takes in one step. */
  readonly receiveMax: number;
}

/** The defaults: each node of three holds the lock about three times a second. */
export const defaultParameters: Parameters = { holdMs: 100, resendMs: 50, receiveMax: 64 };

/** What a configuration file may choose, both bounds allowed. Holding for no time at all would make an idle ring spin. */
export const parameterRanges: Readonly<Record<keyof Parameters, { readonly min: number; readonly max: number }>> = {
  holdMs: { min: 1, max: 3_600_000 },
  resendMs: { min: 1, max: 3_600_000 },
  receiveMax: { min: 1, max: 4_096 },
};

/** The ring: the lock goes from each node to the next, and from the last to the first, who holds it at the start. */
export interface LockConfiguration {
  readonly nodes: readonly EndPoint[];
  readonly parameters: Parameters;
}

/** Makes a configuration; `Left` has one sentence for each mistake. */
export const lockConfiguration = (
  nodes: readonly EndPoint[],
  parameters: Readonly<Record<string, number>> = {},
): E.Either<readonly string[], LockConfiguration> => {
  const mistakes: string[] = [];
  if (nodes.length < 2) mistakes.push('a lock goes round between nodes: give it at least two');
  if (new Set(nodes).size !== nodes.length) mistakes.push('two nodes have one address: give each node its own');
  for (const [name, value] of Object.entries(parameters)) {
    const range = Object.hasOwn(parameterRanges, name) ? parameterRanges[name as keyof Parameters] : undefined;
    if (range === undefined)
      mistakes.push(`unknown parameter "${name}": the known ones are ${Object.keys(parameterRanges).join(', ')}`);
    else if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
      mistakes.push(`${name} must be a whole number from ${range.min} to ${range.max}, and is ${value}`);
    }
  }
  return mistakes.length > 0
    ? E.left(mistakes)
    : E.right({ nodes, parameters: { ...defaultParameters, ...parameters } });
};
