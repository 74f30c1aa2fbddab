/** The command line: DESIGN's contract of commands, flags and exit codes. */
import { Command, CommanderError } from 'commander';
import { registerAudit } from './commands/audit.js';
import { registerBench } from './commands/bench.js';
import { registerClient } from './commands/client.js';
import { registerConfig } from './commands/config.js';
import { registerDemo } from './commands/demo.js';
import { registerExplore } from './commands/explore.js';
import { registerLincheck } from './commands/lincheck.js';
import { registerPlants } from './commands/plants.js';
import { registerRebalance } from './commands/rebalance.js';
import { registerReplay } from './commands/replay.js';
import { registerServe } from './commands/serve.js';
import { registerSimulate } from './commands/simulate.js';
import { registerStatus } from './commands/status.js';
import { registerTrace } from './commands/trace.js';
import { listenForInterrupts } from './interrupt.js';
import { exitCodes, UsageError } from './outcome.js';
import { packageVersion } from './package-root.js';

/** Every command, in the order in which help lists them. */
const registrations: readonly ((program: Command) => void)[] = [
  registerDemo,
  registerServe,
  registerClient,
  registerStatus,
  registerRebalance,
  registerSimulate,
  registerExplore,
  registerPlants,
  registerReplay,
  registerTrace,
  registerAudit,
  registerLincheck,
  registerBench,
  registerConfig,
];

/** Commander puts its guess at what was meant on a line of its own. */
const oneLine = (text: string): string => text.replace(/^error: /, '').replace('\n(', ' (');

const newProgram = (): Command => {
  const program = new Command('ironkeel')
    .description('Distributed systems that check themselves.')
    .version(packageVersion())
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: (text, write) => write(`ironkeel: ${oneLine(text)}`) })
    .exitOverride();
  for (const register of registrations) register(program);
  return program;
};

const exitWith = (code: number): void => {
  // Lets what was written reach a pipe first.
  process.stdout.write('', () => process.exit(code));
};

const internal = (error: unknown): void => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`ironkeel: internal error: ${text}\n`);
  process.exit(exitCodes.internal);
};

/** Runs the command in `argv` (without the program's name) and ends the process with its exit code. */
export const main = async (argv: readonly string[]): Promise<void> => {
  process.on('uncaughtException', internal);
  process.on('unhandledRejection', internal);
  listenForInterrupts();
  try {
    await newProgram().parseAsync(argv as string[], { from: 'user' });
    exitWith(Number(process.exitCode ?? exitCodes.ok));
  } catch (error) {
    if (error instanceof UsageError) {
      for (const sentence of error.sentences) process.stderr.write(`ironkeel: ${sentence}\n`);
      exitWith(exitCodes.usage);
    } else if (error instanceof CommanderError) {
      exitWith(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    } else internal(error);
  }
};
