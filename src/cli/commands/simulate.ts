/** `ironkeel simulate`: seeded clusters of real host code, with every check on every step. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type CampaignResult, campaign } from '../../refinement/campaign.js';
import { type FaultName, faultNames } from '../../refinement/simulation/faults.js';
import type { Found } from '../../refinement/simulator.js';
import { conclude, type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rerunWithPlant } from '../planted-process.js';
import { plantNamed } from '../plants.js';
import { type Simulation, simulations } from '../simulations.js';
import { violationWords } from '../violation-words.js';

/** The flags of `simulate`. */
export interface SimulateFlags {
  readonly seed: number | undefined;
  readonly runs: number;
  readonly steps: number;
  readonly faults: readonly FaultName[];
  readonly nodes: number | undefined;
  readonly plant: string | undefined;
  readonly out: string | undefined;
  readonly json: boolean | undefined;
}

const faultList = (text: string): readonly FaultName[] => {
  if (text === 'all') return faultNames;
  if (text === 'none') return [];
  const isFault = (name: string): name is FaultName => (faultNames as readonly string[]).includes(name);
  return text.split(',').map((name) => {
    if (isFault(name)) return name;
    throw new UsageError(`--faults does not know "${name}": choose from ${faultNames.join(', ')}, or all, or none.`);
  });
};

/** The simulation of a system; a system that has none is the operator's mistake. */
export const simulationOf = async (system: string): Promise<Simulation> => {
  const load = Object.hasOwn(simulations, system) ? simulations[system] : undefined;
  if (load === undefined)
    throw new UsageError(`There is no system "${system}": choose from ${Object.keys(simulations).join(', ')}.`);
  return load();
};

/** The command that shows the same violation again. */
const replayCommand = (system: string, flags: SimulateFlags, found: Found): string =>
  [
    `ironkeel simulate ${system} --seed ${found.seed} --runs 1 --steps ${flags.steps}`,
    flags.faults.length === faultNames.length ? '' : `--faults ${flags.faults.join(',') || 'none'}`,
    flags.nodes === undefined ? '' : `--nodes ${flags.nodes}`,
    flags.plant === undefined ? '' : `--plant ${flags.plant}`,
  ]
    .filter((part) => part !== '')
    .join(' ');

const exitCodeOf = (result: CampaignResult, runs: number): ExitCode => {
  if (result.found.length > 0) return exitCodes.violation;
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
  for (const [i, found] of result.found.entries()) {
    say(
      `VIOLATION ${found.check} in seed ${found.seed}, step ${found.step} of ${found.node}: ${violationWords(found)}`,
    );
    for (const line of found.trace.at(-1)?.events ?? []) say(`  ${line}`);
    say(`again: ${replay[i]}`);
  }
  if (result.found.length === 0) say('0 violations');
  if (result.found.length === 0 && runs > 1 && result.unreached.length > 0) {
    say(`inconclusive: never reached ${result.unreached.join(', ')}; ask for more runs or steps`);
  }
};

const progress = (runs: number): ((done: number) => void) => {
  if (!process.stderr.isTTY || runs < 20) return () => undefined;
  const every = Math.ceil(runs / 100);
  return (done) => {
    if (done % every === 0) process.stderr.write(`\r${done} of ${runs} runs${done === runs ? '\n' : ''}`);
  };
};

const writeResult = (path: string, file: unknown): void => {
  try {
    writeFileSync(path, `${JSON.stringify(file, undefined, 1)}\n`);
  } catch (error) {
    throw new UsageError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}).`);
  }
};

/** Runs a campaign and concludes the command; also what `replay` does with a seed. */
export const runSimulation = async (command: string, system: string, flags: SimulateFlags): Promise<void> => {
  const simulation = await simulationOf(system);
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31);
  const onProgress = progress(flags.runs);
  const result = await campaign(simulation, { ...flags, seed, onRun: (_run, done) => onProgress(done) });
  const replay = result.found.map((found) => replayCommand(system, flags, found));
  tell(system, result, seed, replay);
  const found = result.found.map((violation, i) => ({ ...violation, replay: replay[i] }));
  const { found: _, ...sums } = result;
  const fields = { system, seed, ...sums, violations: found.length, found };
  if (flags.out !== undefined) {
    const { steps, faults, nodes = null, plant = null } = flags;
    const file = { format: 'ironkeel-simulation', version: 1, options: { steps, faults, nodes, plant }, ...fields };
    writeResult(flags.out, file);
  }
  conclude({ command, exitCode: exitCodeOf(result, flags.runs), json: flags.json === true, fields });
};

/** Adds `simulate` to the command line. */
export const registerSimulate = (program: Command): void => {
  program
    .command('simulate <system>')
    .description('run seeded clusters in one process, with faults, and check every step')
    .option('--seed <n>', 'the first seed; drawn if not given', wholeFlag('--seed', 0))
    .option('--runs <n>', 'how many seeds', wholeFlag('--runs', 1), 100)
    .option('--steps <n>', 'host steps in a run', wholeFlag('--steps', 1), 1000)
    .option(
      '--faults <list>',
      `faults, separated by commas: ${faultNames.join(', ')}; all or none`,
      faultList,
      faultNames,
    )
    .option('--nodes <n>', 'hosts in the cluster; drawn if not given', wholeFlag('--nodes', 1, 9))
    .option('--plant <bug>', 'plant a known bug, by its id')
    .option('--out <file>', 'write the result, with the trace of a violation, to a file')
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
