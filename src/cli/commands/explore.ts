/** `ironkeel explore`: all states of a model within bounds, breadth first, with every property judged. */
import type { Command } from 'commander';
import {
  type Exploration,
  type ExploreOptions,
  ExploreRefusal,
  explore,
  exploreInParallel,
  type FoundViolation,
  type Progress,
} from '../../refinement/explorer.js';
import {
  type ExplorationEntry,
  explorations,
  type ModelNumber,
  type ModelRequest,
  modelNamed,
} from '../explorations.js';
import { onInterrupt } from '../interrupt.js';
import { conclude, type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rerunWithPlant } from '../planted-process.js';
import { explorationPlantNamed } from '../plants.js';
import { table } from '../table.js';
import { violationWords } from '../violation-words.js';
import { runInduction } from './explore/induction.js';

/** The flags of `explore`. */
export interface ExploreFlags {
  readonly size: number | undefined;
  readonly bound: number | undefined;
  readonly operations: number | undefined;
  readonly plant: string | undefined;
  readonly workers: number;
  readonly symmetry: boolean | undefined;
  readonly inductive: boolean | undefined;
  readonly hosts: boolean | undefined;
  readonly property: string | undefined;
  readonly maxStates: number | undefined;
  readonly timeLimit: number | undefined;
  readonly checkpoint: string | undefined;
  readonly resume: string | undefined;
  readonly json: boolean | undefined;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const entryOf = (model: string): ExplorationEntry => {
  const entry = Object.hasOwn(explorations, model) ? explorations[model] : undefined;
  if (entry !== undefined) return entry;
  throw new UsageError(`There is no model "${model}" to explore: choose from ${Object.keys(explorations).join(', ')}.`);
};

const numberOf = (flag: string, given: number | undefined, known: ModelNumber | undefined, model: string): number => {
  if (known === undefined) {
    if (given !== undefined) throw new UsageError(`${flag} means nothing to ${model}.`);
    return 0;
  }
  const { min, max, what } = known;
  if (given === undefined) return known.default;
  if (given >= min && given <= max) return given;
  throw new UsageError(`${flag} of ${model} is the number of ${what}, from ${min} to ${max}, and not ${given}.`);
};

const requestOf = (name: string, entry: ExplorationEntry, flags: ExploreFlags): ModelRequest => {
  const { hosts = false, property = '' } = flags;
  if (hosts && entry.hosts === undefined)
    throw new UsageError(`No host code of ${name} is explored: explore it without --hosts.`);
  if (hosts && (flags.inductive === true || flags.plant !== undefined))
    throw new UsageError('--hosts explores host code as it is: leave out --inductive and --plant.');
  if (hosts && entry.hosts !== undefined) {
    const size = numberOf('--size', flags.size, entry.hosts.size, name);
    const bound = numberOf('--bound', flags.bound, entry.hosts.bound, name);
    return { size, bound, operations: numberOf('--operations', flags.operations, undefined, name), hosts, property };
  }
  const planted = flags.plant === undefined ? undefined : explorationPlantNamed(name, flags.plant);
  const asked = flags.bound ?? planted?.bound ?? (flags.inductive === true ? entry.induction?.bound : undefined);
  return {
    size: numberOf('--size', flags.size ?? planted?.size, entry.size, name),
    bound: numberOf('--bound', asked, entry.bound, name),
    operations: numberOf('--operations', flags.operations ?? planted?.operations, entry.operations, name),
    hosts,
    property,
  };
};

/** The command that shows the same again. */
const again = (model: string, request: ModelRequest, entry: ExplorationEntry, flags: ExploreFlags): string => {
  const { size, bound, operations, hosts, property } = request;
  return [
    `ironkeel explore ${model} --size ${size}`,
    entry.bound === undefined ? '' : `--bound ${bound}`,
    entry.operations === undefined || hosts ? '' : `--operations ${operations}`,
    hosts ? '--hosts' : '',
    property === '' ? '' : `--property ${JSON.stringify(property)}`,
    flags.plant === undefined ? '' : `--plant ${flags.plant}`,
    flags.symmetry === true ? '--symmetry' : '',
    flags.workers === 1 ? '' : `--workers ${flags.workers}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
};

const progressLine = (): ((progress: Progress) => void) | undefined => {
  if (!process.stderr.isTTY) return undefined;
  return ({ generated, distinct, queue, depth, seconds }) => {
    const rate = Math.round(generated / seconds);
    process.stderr.write(
      `\r\x1b[2K${distinct} states, ${queue} in the queue, depth ${depth}, ${rate} generated states a second`,
    );
  };
};

const stopWords: Readonly<Record<NonNullable<Exploration['stopped']>, string>> = {
  states: 'the limit of --max-states was reached',
  time: 'the limit of --time-limit was reached',
  memory: 'memory ran out',
  interrupted: 'it was interrupted',
  violation: 'it stops at the first violation',
  fault: 'the model is at fault',
};

const tellTrace = ({ trace, loopFrom }: Pick<FoundViolation, 'trace' | 'loopFrom'>): void => {
  for (const [i, { action, state }] of trace.entries()) {
    if (i > 0) say(`   ${action ?? ''}`);
    say(`${String(i).padStart(2)} ${state}${i === loopFrom && i < trace.length - 1 ? '   <- from here for ever' : ''}`);
  }
};

const tell = (result: Exploration, replay: string): void => {
  const { generated, distinct, depth, seconds, cut, collisionProbability: chance } = result;
  const bounds = cut === 0 ? '' : ` within bounds, ${cut} cut off beyond them`;
  say(
    `${result.model}: ${generated} states generated, ${distinct} distinct${bounds}, depth ${depth}, ${seconds.toFixed(1)} s`,
  );
  say(
    table(
      ['action', 'generated', 'new'],
      result.actions.map((r) => [r.action, `${r.generated}`, `${r.distinct}`]),
    ).trimEnd(),
  );
  for (const [name, count] of Object.entries(result.reached)) say(`reached: ${name}: in ${count} states`);
  say(
    chance === 0
      ? 'keys are exact: no state was missed'
      : `chance that a state was missed: at most ${chance.toExponential(1)}`,
  );
  for (const found of result.found) {
    say(`VIOLATION: ${violationWords(found)}`);
    tellTrace(found);
    say(`again: ${replay}`);
  }
  if (result.fault !== undefined) {
    process.stderr.write(`ironkeel: the model cannot be explored: ${result.fault.sentence}\n`);
    tellTrace({ trace: result.fault.trace, loopFrom: undefined });
  }
  if (result.found.length === 0 && result.complete) say(`0 violations; complete${cut === 0 ? '' : ' within bounds'}`);
  else if (result.stopped !== undefined) say(`incomplete: ${stopWords[result.stopped]}`);
};

const exitCodeOf = ({ found, fault, complete, stopped }: Exploration): ExitCode => {
  if (fault !== undefined) return fault.kind === 'not-deterministic' ? exitCodes.inconclusive : exitCodes.internal;
  if (found.length > 0) return exitCodes.violation;
  if (stopped === 'interrupted') return exitCodes.interrupted;
  return complete ? exitCodes.ok : exitCodes.inconclusive;
};

const optionsOf = (flags: ExploreFlags): ExploreOptions => {
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const onProgress = progressLine();
  return {
    signal: interrupted.signal,
    symmetry: flags.symmetry === true,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(flags.maxStates === undefined ? {} : { statesMax: flags.maxStates }),
    ...(flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit * 1_000 }),
    ...(flags.checkpoint === undefined ? {} : { checkpoint: flags.checkpoint }),
    ...(flags.resume === undefined ? {} : { resume: flags.resume }),
  };
};

const run = async (name: string, request: ModelRequest, flags: ExploreFlags): Promise<Exploration> => {
  try {
    const options = optionsOf(flags);
    const { size, hosts, property } = request;
    const args = [name, JSON.stringify(request)] as const;
    const model = await modelNamed(...args);
    if (model.properties.length === 0 && property !== '')
      throw new UsageError(`No property of ${model.name} has "${property}" in its name.`);
    say(`exploring ${hosts ? 'host code of ' : ''}${name} of size ${size}`);
    if (flags.workers === 1) return await explore(model, options);
    const module = new URL('../explorations.js', import.meta.url).href;
    return await exploreInParallel({ module, name: 'modelNamed', args }, flags.workers, options);
  } catch (error) {
    if (error instanceof ExploreRefusal) throw new UsageError(error.message);
    throw error;
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  }
};

const runExplore = async (name: string, flags: ExploreFlags): Promise<void> => {
  const entry = entryOf(name);
  if (flags.plant !== undefined && process.env.IRONKEEL_PLANT === undefined) {
    if (explorationPlantNamed(name, flags.plant) === undefined)
      throw new UsageError(`There is no planted bug "${flags.plant}" for the model ${name}.`);
    process.exitCode = await rerunWithPlant(`explore/${name}/${flags.plant}`);
    return;
  }
  const request = requestOf(name, entry, flags);
  const { size, bound, operations, hosts } = request;
  if (flags.inductive === true) return runInduction(name, entry, size, bound, flags.json === true);
  const result = await run(name, request, flags);
  const replay = again(name, request, entry, flags);
  tell(result, replay);
  const { actions, found, fault, ...counts } = result;
  const fields = {
    system: name,
    size,
    ...(entry.bound === undefined ? {} : { bound }),
    ...(entry.operations === undefined || hosts ? {} : { operations }),
    ...(hosts ? { hosts } : {}),
    ...(flags.plant === undefined ? {} : { plant: flags.plant }),
    workers: flags.workers,
    symmetry: flags.symmetry === true,
    ...counts,
    violations: found.length,
    found: found.map((violation) => ({ ...violation, replay })),
    fault: fault ?? null,
    rows: actions,
  };
  conclude({ command: 'explore', exitCode: exitCodeOf(result), json: flags.json === true, fields });
};

const sizes = Object.entries(explorations)
  .map(([name, { size }]) => `${name}: ${size.what}`)
  .join(', ');

const bounds = Object.entries(explorations)
  .flatMap(([name, { bound }]) => (bound === undefined ? [] : [`${name}: ${bound.what}`]))
  .join(', ');

/** Adds `explore` to the command line. */
export const registerExplore = (program: Command): void => {
  program
    .command('explore <system>')
    .description(`explore all states of a model within bounds: ${Object.keys(explorations).join(', ')}`)
    .option('--size <n>', `how large the model is (${sizes})`, wholeFlag('--size', 1))
    .option('--bound <n>', `how far it goes (${bounds})`, wholeFlag('--bound', 0))
    .option(
      '--operations <n>',
      'how many operations its log has (ironrsm), or sessions there are (ironkv-sessions)',
      wholeFlag('--operations', 1),
    )
    .option('--plant <bug>', 'plant a known bug in the protocol, by its id, and explore as far as it needs')
    .option('--workers <n>', 'threads', wholeFlag('--workers', 1, 64), 1)
    .option('--symmetry', 'take states that are equal up to the names of interchangeable parts as one')
    .option('--inductive', 'take one step from every state of a small domain that satisfies the invariants')
    .option('--hosts', 'explore real host code in small clusters instead of the protocol (lock, ironrsm, ironkv)')
    .option('--property <text>', 'judge only properties with this text in their names')
    .option('--max-states <n>', 'stop when more different states were found', wholeFlag('--max-states', 1))
    .option('--time-limit <seconds>', 'stop after so many seconds', wholeFlag('--time-limit', 1))
    .option('--checkpoint <file>', 'write what was explored to a file, every minute and at a limit')
    .option('--resume <file>', 'go on from such a file')
    .option('--json', 'print one JSON object as the last line')
    .action(runExplore);
};
