/** `ironkeel replay`: a counterexample once more, from its file or from its seed. */
import type { Command } from 'commander';
import { type NodeTrace, readNodeTrace } from '../../refinement/node-trace.js';
import { isCounterexample } from '../../refinement/schedule/counterexample.js';
import { faultNames } from '../../refinement/simulation/faults.js';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import { openCounterexample, readJson } from '../counterexample-file.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { simulations } from '../simulations.js';
import { systems } from '../systems.js';
import { violationWords } from '../violation-words.js';
import { runSimulation } from './simulate.js';

interface ReplayFlags {
  readonly seed: number | undefined;
  readonly steps: number;
  readonly json: boolean | undefined;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const replayNode = (path: string, trace: NodeTrace, json: boolean): void => {
  const system = systems.find((s) => s.name === trace.system);
  if (system === undefined)
    throw new UsageError(`${path} is a trace of the system "${trace.system}", which is not known here.`);
  const replayed = system.replay(trace);
  if (E.isLeft(replayed)) throw new UsageError(`${path}: ${replayed.left}.`);
  const { passed, steps, violation } = replayed.right;
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

const replayCounterexample = async (path: string, parsed: unknown, json: boolean): Promise<void> => {
  const opened = await openCounterexample(path, parsed);
  if (opened === undefined) return;
  const { file, of } = opened;
  const replayed = await of.replay(file);
  if (E.isLeft(replayed)) throw new UsageError(`${path}: ${replayed.left}.`);
  const { found, steps, traceHash, same, partedAt } = replayed.right;
  say(`${file.system}: ${steps} steps, trace ${traceHash}`);
  say(`recorded: ${file.violation.check} at ${file.violation.node}: ${violationWords(file.violation)}`);
  if (partedAt !== undefined) {
    say(`inconclusive: two executions part at step ${partedAt}: a step of a host is not deterministic`);
  } else if (same) say('found again, by the same steps');
  else if (found === undefined)
    say('inconclusive: the violation is not found any more; the code is not that of the file');
  else {
    const what = sameViolation(found, file.violation) ? 'the same violation by other steps' : violationWords(found);
    say(`inconclusive: found ${what}; the code is not that of the file`);
  }
  const again = same && partedAt === undefined;
  const fields = {
    system: file.system,
    seed: file.run.seed,
    steps,
    traceHash,
    same,
    deterministic: partedAt === undefined,
    violations: found === undefined ? 0 : 1,
    found: found === undefined ? [] : [found],
  };
  conclude({ command: 'replay', exitCode: again ? exitCodes.violation : exitCodes.inconclusive, json, fields });
};

const sameViolation = (a: Pick<Violation, 'code' | 'rule'>, b: Pick<Violation, 'code' | 'rule'>): boolean =>
  a.code === b.code && a.rule === b.rule;

const replayFile = async (path: string, flags: ReplayFlags): Promise<void> => {
  const parsed = readJson(path);
  if (isCounterexample(parsed)) return replayCounterexample(path, parsed, flags.json === true);
  const trace = readNodeTrace(parsed);
  if (E.isLeft(trace)) throw new UsageError(`${path} is neither a counterexample nor a node's trace: ${trace.left}.`);
  return replayNode(path, trace.right, flags.json === true);
};

/** Adds `replay` to the command line. */
export const registerReplay = (program: Command): void => {
  program
    .command('replay <file-or-system>')
    .description(
      "run a counterexample or a seed again, or judge a stopped node's trace again; exit 1 where the violation shows",
    )
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
