/** What `simulate --out` does with a violation: run its seed again, shrink what happened, save it. */
import { writeCounterexample } from '../refinement/schedule/counterexample.js';
import type { Made } from '../refinement/schedule/counterexamples.js';
import type { RunOptions } from '../refinement/simulator.js';
import { E } from '../spec/prelude.js';
import { writeText } from './counterexample-file.js';
import { counterexamples } from './simulations.js';

/** A search ends after this many executed steps, or this long: most end within a few seconds. */
const searchLimits = { stepsMax: 1_000_000, msMax: 30_000, nowMs: () => performance.now() } as const;

/** What is to be saved, and where. */
export interface SaveOptions {
  readonly system: string;
  readonly run: RunOptions;
  readonly plant: string | undefined;
  readonly path: string;
  readonly shrink: boolean;
}

/** What the JSON of the command says about the file. */
export interface Saved {
  readonly path: string;
  readonly steps: number;
  readonly receives: number;
  readonly recordedSteps: number;
  readonly attempts: number;
  readonly minimal: boolean;
  /** Of a whole run: steps before the faults healed; null for a schedule. */
  readonly healedAfter: number | null;
  readonly deterministic: boolean;
  readonly traceHash: string;
}

/** Saves a counterexample; tells people about it on stdout. `undefined`: there is none, which is told too. */
export const saveCounterexample = async (options: SaveOptions): Promise<Saved | undefined> => {
  const { system, run, plant, path, shrink } = options;
  const load = counterexamples[system];
  if (load === undefined) return undefined;
  const made = await (await load()).make(run, { plant, shrink: shrink ? searchLimits : undefined });
  if (E.isLeft(made)) {
    say(`no counterexample saved: ${made.left}; the system is not deterministic`);
    return undefined;
  }
  writeText(path, writeCounterexample(made.right.counterexample));
  for (const line of words(made.right, path)) say(line);
  const { recorded, kept, attempts, minimal, healedAfter, deterministic, counterexample } = made.right;
  const { traceHash } = counterexample;
  return {
    path,
    ...kept,
    recordedSteps: recorded.steps,
    attempts,
    minimal,
    healedAfter: healedAfter ?? null,
    deterministic,
    traceHash,
  };
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const words = (
  { recorded, kept, attempts, healedAfter, deterministic, counterexample }: Made,
  path: string,
): readonly string[] => {
  const { cluster, schedule } = counterexample;
  const count = cluster?.nodes.length;
  const hosts = count === undefined ? '' : ` of ${count} ${count === 1 ? 'host' : 'hosts'}`;
  const how =
    schedule === null
      ? `, as a whole run whose faults heal after step ${healedAfter}, found in ${attempts} attempts`
      : ` that receive ${kept.receives} packets, found in ${attempts} attempts`;
  return [
    `saved in ${path}: ${kept.steps} steps${hosts}${how}; ${recorded.steps} steps were recorded`,
    ...(deterministic
      ? []
      : ['the same steps did not lead to the same things twice: a step of a host is not deterministic']),
    `look at it: ironkeel replay ${path}`,
    `            ironkeel trace export --format html ${path} --out trace.html`,
  ];
};
