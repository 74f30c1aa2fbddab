/** Counterexamples on disk: read, written, and opened with the bug that was planted when they were found. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Counterexample, readCounterexample } from '../refinement/schedule/counterexample.js';
import type { Counterexamples } from '../refinement/schedule/counterexamples.js';
import { E } from '../spec/prelude.js';
import { UsageError } from './outcome.js';
import { rerunWithPlant } from './planted-process.js';
import { plantNamed } from './plants.js';
import { counterexamples } from './simulations.js';

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** The JSON in a file; throws `UsageError` where there is none. */
export const readJson = (path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${codeOf(error)}).`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${path} is no trace: it is truncated or not JSON (${(error as Error).message}).`);
  }
};

/** Writes a file; throws `UsageError` where that is not possible. */
export const writeText = (path: string, text: string): void => {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UsageError(`${path} cannot be written (${codeOf(error)}).`);
  }
};

/** A counterexample, and what can be done with it. */
export interface OpenedCounterexample {
  readonly file: Counterexample;
  readonly of: Counterexamples;
}

/**
 * Opens a parsed file. `undefined` where it was found with a planted bug and this process runs without it: the command was run
 * again with the bug, and its exit code is set.
 */
export const openCounterexample = async (path: string, parsed: unknown): Promise<OpenedCounterexample | undefined> => {
  const read = readCounterexample(parsed);
  if (E.isLeft(read)) throw new UsageError(`${path} ${read.left}.`);
  const { system, plant } = read.right;
  const load = Object.hasOwn(counterexamples, system) ? counterexamples[system] : undefined;
  if (load === undefined)
    throw new UsageError(
      `${path} is a counterexample of the system ${JSON.stringify(system)}, which is not known here.`,
    );
  if (plant !== null && process.env.IRONKEEL_PLANT === undefined) {
    if (plantNamed(`${system}/${plant}`) === undefined)
      throw new UsageError(`${path} names the planted bug ${JSON.stringify(plant)}, which is not known here.`);
    process.exitCode = await rerunWithPlant(`${system}/${plant}`);
    return undefined;
  }
  return { file: read.right, of: await load() };
};
