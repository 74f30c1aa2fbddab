/** The file of runs that once failed: they run first, for ever. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as t from 'io-ts';
import { E } from '../../spec/prelude.js';
import { type FaultName, faultNames } from '../simulation/faults.js';
import type { RunOptions } from '../simulation/run-result.js';

/** A run that failed once. */
export type Regression = RunOptions;

/** The runs of a file that belong to one system. */
export interface Regressions {
  readonly path: string;
  readonly system: string;
  readonly runs: readonly Regression[];
}

const faultName = t.keyof(Object.fromEntries(faultNames.map((name) => [name, null])) as Record<FaultName, null>);

const saved = t.type({
  system: t.string,
  seed: t.number,
  steps: t.number,
  faults: t.array(faultName),
  nodes: t.union([t.number, t.null]),
});

const fileForm = t.type({ format: t.literal('ironkeel-regressions'), version: t.literal(1), runs: t.array(saved) });

type File = t.TypeOf<typeof fileForm>;

const empty: File = { format: 'ironkeel-regressions', version: 1, runs: [] };

const readFile = (path: string): File => {
  if (!existsSync(path)) return empty;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path} is no list of regressions: ${(error as Error).message}`);
  }
  const file = fileForm.decode(parsed);
  if (E.isRight(file)) return file.right;
  throw new Error(`${path} is no list of regressions of version 1, with runs of seed, steps, faults and nodes`);
};

/** The runs of `system` in the file at `path`; a file that does not exist has none. Throws on a file that is something else. */
export const readRegressions = (path: string, system: string): Regressions => {
  const runs = readFile(path).runs.filter((run) => run.system === system);
  return { path, system, runs: runs.map((run) => ({ ...run, nodes: run.nodes ?? undefined })) };
};

/** Adds a run to the file, unless it is there. */
export const saveRegression = (
  { path, system }: Regressions,
  run: Omit<File['runs'][number], 'system' | 'faults'> & { readonly faults: readonly FaultName[] },
): void => {
  const file = readFile(path);
  const entry = { system, ...run, faults: [...run.faults] };
  if (file.runs.some((known) => JSON.stringify(known) === JSON.stringify(entry))) return;
  writeFileSync(path, `${JSON.stringify({ ...file, runs: [...file.runs, entry] }, undefined, 2)}\n`);
};
