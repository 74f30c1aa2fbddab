/** `ironkeel replay`: a counterexample once more, from its file or from its seed. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import * as t from 'io-ts';
import { type NodeTrace, readNodeTrace } from '../../refinement/node-trace.js';
import { type FaultName, faultNames } from '../../refinement/simulation/faults.js';
import { E } from '../../spec/prelude.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rerunWithPlant } from '../planted-process.js';
import { plantNamed } from '../plants.js';
import { simulations } from '../simulations.js';
import { systems } from '../systems.js';
import { violationWords } from '../violation-words.js';
import { runSimulation, type SimulateFlags } from './simulate.js';

interface ReplayFlags {
  readonly seed: number | undefined;
  readonly steps: number;
  readonly json: boolean | undefined;
}

const faultName = t.keyof(Object.fromEntries(faultNames.map((name) => [name, null])) as Record<FaultName, null>);

/** The part of a result of `simulate --out` that names its run. */
const simulationFile = t.type({
  format: t.literal('ironkeel-simulation'),
  version: t.literal(1),
  system: t.string,
  options: t.type({
    steps: t.number,
    faults: t.array(faultName),
    nodes: t.union([t.number, t.null]),
    plant: t.union([t.string, t.null]),
  }),
  seed: t.number,
  found: t.array(t.type({ seed: t.number })),
});

const readJson = (path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}).`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${path} is no trace: it is truncated or not JSON (${(error as Error).message}).`);
  }
};

const replayNode = (path: string, trace: NodeTrace, json: boolean): void => {
  const system = systems.find((s) => s.name === trace.system);
  if (system === undefined)
    throw new UsageError(`${path} is a trace of the system "${trace.system}", which is not known here.`);
  const replayed = system.replay(trace);
  if (E.isLeft(replayed)) throw new UsageError(`${path}: ${replayed.left}.`);
  const { passed, steps, violation } = replayed.right;
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  say(`${trace.system}, node ${trace.node}: ${passed} of ${steps} steps pass again`);
  say(`recorded: ${violationWords(trace.violation)}`);
  if (violation !== undefined) say(`found again: ${violationWords(violation)}`);
  else
    say(
      "the steps themselves are the protocol's: the violation is in the host's state, or the step ended in an exception",
    );
  const fields = {
    system: trace.system,
    node: trace.node,
    steps,
    stepsChecked: passed,
    violations: 1,
    found: [violation ?? trace.violation],
  };
  conclude({ command: 'replay', exitCode: exitCodes.violation, json, fields });
};

const flagsOf = (file: t.TypeOf<typeof simulationFile>, flags: ReplayFlags): SimulateFlags => ({
  seed: file.found[0]?.seed ?? file.seed,
  runs: 1,
  steps: file.options.steps,
  faults: file.options.faults,
  nodes: file.options.nodes ?? undefined,
  plant: file.options.plant ?? undefined,
  out: undefined,
  json: flags.json,
});

const replayFile = async (path: string, flags: ReplayFlags): Promise<void> => {
  const parsed = readJson(path);
  const trace = readNodeTrace(parsed);
  if (E.isRight(trace)) {
    replayNode(path, trace.right, flags.json === true);
    return;
  }
  const simulation = simulationFile.decode(parsed);
  if (E.isLeft(simulation))
    throw new UsageError(`${path} is neither a node's trace nor a result of simulate: ${trace.left}.`);
  const { system, options } = simulation.right;
  const { plant } = options;
  if (plant !== null && process.env.IRONKEEL_PLANT === undefined) {
    if (plantNamed(`${system}/${plant}`) === undefined)
      throw new UsageError(`${path} names the planted bug "${plant}", which is not known here.`);
    process.exitCode = await rerunWithPlant(`${system}/${plant}`);
    return;
  }
  await runSimulation('replay', system, flagsOf(simulation.right, flags));
};

/** Adds `replay` to the command line. */
export const registerReplay = (program: Command): void => {
  program
    .command('replay <file-or-system>')
    .description("judge a stopped node's trace again, or run a simulated seed again; exit 1 where the violation shows")
    .option('--seed <n>', 'the seed, where a system is named', wholeFlag('--seed', 0))
    .option('--steps <n>', 'host steps of the run, where a system is named', wholeFlag('--steps', 1), 1000)
    .option('--json', 'print one JSON object as the last line')
    .action(async (what: string, flags: ReplayFlags) => {
      if (!Object.hasOwn(simulations, what)) return replayFile(what, flags);
      if (flags.seed === undefined) throw new UsageError(`replay ${what} needs --seed.`);
      return runSimulation('replay', what, {
        ...flags,
        runs: 1,
        faults: faultNames,
        nodes: undefined,
        plant: undefined,
        out: undefined,
      });
    });
};
