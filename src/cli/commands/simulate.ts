/** `ironkeel simulate`: seeded clusters of real host code, with every check on every step. */
import type { Command } from 'commander';
import {
  CampaignFailure,
  type CampaignOptions,
  type CampaignResult,
  SilentCanaries,
} from '../../refinement/campaign.js';
import type { FaultName } from '../../refinement/simulation/faults.js';
import type { Found } from '../../refinement/simulator.js';
import { conclude, type ExitCode, exitCodes, UsageError } from '../outcome.js';
import { rerunWithPlant } from '../planted-process.js';
import { plantNamed } from '../plants.js';
import { type Saved, saveCounterexample } from '../save-counterexample.js';
import { type CampaignFlags, faultsFor, sameRun, stepsFor, withCampaignFlags } from '../simulation/flags.js';
import { runCampaign } from '../simulation/run-campaign.js';
import { type Simulation, simulations } from '../simulations.js';
import { violationWords } from '../violation-words.js';

/** The flags of `simulate`. */
export interface SimulateFlags extends CampaignFlags {
  readonly plant: string | undefined;
  readonly out: string | undefined;
  /** Whether the counterexample in `out` is made small; it is unless told otherwise. */
  readonly shrink?: boolean | undefined;
  readonly json: boolean | undefined;
}

/** The simulation of a system; a system that has none is the operator's mistake. */
export const simulationOf = async (system: string): Promise<Simulation> => {
  const load = Object.hasOwn(simulations, system) ? simulations[system] : undefined;
  if (load === undefined)
    throw new UsageError(`There is no system "${system}": choose from ${Object.keys(simulations).join(', ')}.`);
  return load();
};

/** The command that shows the same violation again. */
const replayCommand = (system: string, flags: SimulateFlags, found: Found): string =>
  `ironkeel simulate ${system} ${sameRun(flags, found.seed)}${flags.plant === undefined ? '' : ` --plant ${flags.plant}`}`;

const exitCodeOf = (result: CampaignResult, runs: number): ExitCode => {
  // A check that threw has not passed anything, and has not found anything either.
  if (result.found.some((found) => found.check === 'JUDGE')) return exitCodes.internal;
  if (result.found.length > 0) return exitCodes.violation;
  const undecided = result.differing.length > 0 || result.undecided.length > 0;
  if (!result.complete || undecided) return exitCodes.inconclusive;
  // One run cannot reach everything; a campaign that did not has shown less than it seems.
  return runs > 1 && result.unreached.length > 0 ? exitCodes.inconclusive : exitCodes.ok;
};

const counts = (record: Readonly<Record<string, number>>): string =>
  Object.entries(record)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

const tell = (system: string, result: CampaignResult, seed: number, replay: readonly string[]): void => {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const { runs, steps, stepsChecked, simulatedMs } = result;
  say(
    `${system}: ${runs} runs from seed ${seed}, ${steps} steps, ${stepsChecked} checked, ${Math.round(simulatedMs / 1000)} simulated seconds`,
  );
  say(`faults: ${counts(result.faultsFired)}`);
  say(`reached: ${counts(result.reached)}`);
  say(`after the heal: all demanded within ${result.livenessStepsMax} steps and ${result.livenessMsMax} simulated ms`);
  for (const [i, found] of result.found.entries()) {
    say(
      `VIOLATION ${found.check} in seed ${found.seed}, step ${found.step} of ${found.node}: ${violationWords(found)}`,
    );
    for (const line of found.trace.at(-1)?.events ?? []) say(`  ${line}`);
    say(`again: ${replay[i]}`);
  }
  if (result.found.length === 0) say('0 violations');
  if (result.differing.length > 0)
    say(`not deterministic: a second run of seed ${result.differing.join(', ')} differs`);
  for (const { seed: one, why } of result.undecided) say(`inconclusive in seed ${one}: ${why}`);
  if (!result.complete) say('inconclusive: out of time; give --time-limit more seconds, or ask for fewer runs');
  if (result.found.length === 0 && runs > 1 && result.unreached.length > 0) {
    say(`inconclusive: never reached ${result.unreached.join(', ')}; ask for more runs or steps`);
  }
};

/** The counterexample of the first violation, where a file for it was asked for. */
const save = async (
  system: string,
  flags: SimulateFlags,
  run: CampaignOptions,
  { found }: CampaignResult,
): Promise<Saved | undefined> => {
  const first = found[0];
  if (flags.out === undefined || first === undefined) return undefined;
  const { out: path, plant, shrink = true } = flags;
  return saveCounterexample({ system, run: { ...run, seed: first.seed }, plant, path, shrink });
};

const campaignOf = (flags: SimulateFlags, seed: number, faults: readonly FaultName[]): CampaignOptions => {
  const { runs, simulatedMs, nodes, rate, shard, timeLimit, checkDeterminism: twice } = flags;
  const timeLimitMs = timeLimit === undefined ? undefined : timeLimit * 1000;
  return { seed, runs, steps: stepsFor(flags), simulatedMs, nodes, rate, shard, timeLimitMs, twice, faults };
};

/** Concludes the command where the campaign shows nothing: that is neither a violation nor none. */
const orFailure = async (
  command: string,
  { json }: SimulateFlags,
  running: Promise<CampaignResult>,
): Promise<CampaignResult | undefined> => {
  try {
    return await running;
  } catch (error) {
    if (!(error instanceof CampaignFailure)) throw error;
    process.stderr.write(`ironkeel: ${error.message}\n`);
    const canaries = error instanceof SilentCanaries ? error.canaries : [];
    const fields = { failure: error.message, silentCanaries: canaries, runs: 0, steps: 0, violations: 0, found: [] };
    conclude({ command, exitCode: exitCodes.internal, json: json === true, fields });
    return undefined;
  }
};

/** Runs a campaign and concludes the command; also what `replay` does with a seed. */
export const runSimulation = async (command: string, system: string, flags: SimulateFlags): Promise<void> => {
  const simulation = await simulationOf(system);
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31);
  const options = campaignOf(flags, seed, faultsFor(flags, simulation.claims));
  const result = await orFailure(command, flags, runCampaign(system, simulation, options, flags.jobs));
  if (result === undefined) return;
  const replay = result.found.map((found) => replayCommand(system, flags, found));
  tell(system, result, seed, replay);
  const found = result.found.map((violation, i) => ({ ...violation, replay: replay[i] }));
  const { found: _, ...sums } = result;
  const fields = { system, seed, ...sums, violations: found.length, found };
  const saved = await save(system, flags, options, result);
  conclude({
    command,
    exitCode: exitCodeOf(result, flags.runs),
    json: flags.json === true,
    fields: saved === undefined ? fields : { ...fields, saved },
  });
};

/** Adds `simulate` to the command line. */
export const registerSimulate = (program: Command): void => {
  withCampaignFlags(
    program
      .command('simulate <system>')
      .description('run seeded clusters in one process, with faults, and check every step'),
  )
    .option('--plant <bug>', 'plant a known bug, by its id')
    .option('--out <file>', 'save the counterexample of a violation, shrunk, in a file for `replay` and `trace export`')
    .option('--no-shrink', 'save it as it was found')
    .option('--json', 'print one JSON object as the last line')
    .action(async (system: string, flags: SimulateFlags) => {
      await simulationOf(system);
      if (flags.plant !== undefined && process.env.IRONKEEL_PLANT === undefined) {
        const name = `${system}/${flags.plant}`;
        if (plantNamed(name) === undefined)
          throw new UsageError(`There is no planted bug "${flags.plant}" for ${system}.`);
        process.exitCode = await rerunWithPlant(name);
        return;
      }
      await runSimulation('simulate', system, flags);
    });
};
