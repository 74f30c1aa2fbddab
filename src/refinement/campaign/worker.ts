/** A worker thread of a campaign: runs the seeds that it is handed. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunOptions, RunResult } from '../simulation/run-result.js';
import { type RunOrder, runOnceOrTwice } from './run.js';
import type { Simulation } from './simulation.js';

/** Where a worker finds the simulation: a module that exports, by `table`, functions that load one, by name. */
export interface SimulationSource {
  readonly module: string;
  readonly table: string;
  readonly name: string;
}

/** What a worker answers. A violation's values need not survive the way between threads, so only its presence is told. */
export type WorkerAnswer =
  | { readonly tag: 'ready' }
  | { readonly tag: 'silent'; readonly canaries: readonly string[] }
  | {
      readonly tag: 'ran';
      readonly place: number;
      readonly result: Omit<RunResult, 'found'>;
      readonly violated: boolean;
      readonly same: boolean | undefined;
    }
  | { readonly tag: 'failed'; readonly message: string };

/** What a worker is asked: the run at a place of the campaign. */
export interface WorkerOrder extends RunOrder {
  readonly place: number;
  readonly options: RunOptions;
}

const answer = (message: WorkerAnswer): void => parentPort?.postMessage(message);

const failed = (error: unknown): void =>
  answer({ tag: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });

const load = async ({ module, table, name }: SimulationSource): Promise<Simulation> => {
  const loaded = (await import(module)) as Readonly<Record<string, Record<string, () => Promise<Simulation>>>>;
  const simulation = loaded[table]?.[name];
  if (simulation === undefined) throw new Error(`${module} has no simulation ${name}`);
  return simulation();
};

const serve = async (): Promise<void> => {
  const simulation = await load(workerData as SimulationSource);
  const canaries = await simulation.silentCanaries();
  parentPort?.on('message', (order: WorkerOrder) => {
    runOnceOrTwice(simulation, order)
      .then(({ result: { found, ...result }, same }) =>
        answer({ tag: 'ran', place: order.place, result, violated: found !== undefined, same }),
      )
      .catch(failed);
  });
  answer(canaries.length === 0 ? { tag: 'ready' } : { tag: 'silent', canaries });
};

await serve().catch(failed);
