/** `ironkeel lincheck`: whether a recorded history is linearizable. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { monotonicNowMs } from '../../host/real-time.js';
import {
  explanationLines,
  type JudgedHistory,
  judgeByName,
  type Linearizability,
  type ModelName,
  modelNames,
  type RecordedHistory,
  readHistory,
  type ShownOperation,
} from '../../refinement/linearizability.js';
import { E } from '../../spec/prelude.js';
import { conclude, type ExitCode, exitCodes, UsageError } from '../outcome.js';

interface LincheckFlags {
  readonly model: string | undefined;
  readonly timeLimit: number;
  readonly json?: boolean;
}

const timeLimitSecondsDefault = 60;

const secondsFlag = (text: string): number => {
  const seconds = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new UsageError(`--time-limit takes seconds, more than 0 and at most 86400, and not "${text}".`);
};

const placeIn = (path: string, line: number | undefined): string => (line === undefined ? path : `${path}:${line}`);

const historyIn = (path: string): RecordedHistory => {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}).`);
  }
  const history = readHistory(bytes);
  if (E.isRight(history)) return history.right;
  throw new UsageError(`${placeIn(path, history.left.line)}: ${history.left.why}.`);
};

const modelNamed = (path: string, history: RecordedHistory, flag: string | undefined): ModelName => {
  const name = flag ?? history.model;
  const isModel = (text: string): text is ModelName => (modelNames as readonly string[]).includes(text);
  if (name === undefined) throw new UsageError(`lincheck needs --model: choose from ${modelNames.join(', ')}.`);
  if (isModel(name)) return name;
  const source = flag === undefined ? `${path} names` : '--model does not know';
  const ending = flag === undefined ? ', which is not known here' : '';
  throw new UsageError(`${source} the model "${name}"${ending}: choose from ${modelNames.join(', ')}.`);
};

const shownOf = ({ operations }: RecordedHistory, words: readonly string[]): readonly ShownOperation[] =>
  operations.map(({ client, calledAt, answer, line }, i) => ({
    client,
    words: words[i] ?? '',
    call: calledAt,
    return: answer?.time,
    line,
  }));

const limitWords = { time: 'out of time', memory: 'out of memory', steps: 'out of steps' } as const;

const verdictLines = (result: Linearizability, shown: readonly ShownOperation[]): readonly string[] => {
  switch (result.answer) {
    case 'linearizable':
      return ['linearizable'];
    case 'not':
      return ['NOT linearizable', ...explanationLines(shown, result.explanation)];
    default: {
      const parts = result.unknownParts.flatMap((part) => (part === undefined ? [] : [JSON.stringify(part)]));
      const about =
        parts.length === 0 ? '' : ` about ${parts.slice(0, 5).join(', ')}${parts.length > 5 ? ', ...' : ''}`;
      return [`unknown${about}: ${limitWords[result.limit]}; nothing is known to be wrong`];
    }
  }
};

const exitCodeOf = ({ answer }: Linearizability): ExitCode => {
  if (answer === 'linearizable') return exitCodes.ok;
  return answer === 'not' ? exitCodes.violation : exitCodes.inconclusive;
};

/** The violation for `--json`, with its operations in words. */
const foundIn = (
  { result, words }: JudgedHistory,
  shown: readonly ShownOperation[],
  replay: string,
): readonly Readonly<Record<string, unknown>>[] => {
  if (result.answer !== 'not') return [];
  const { part, culprit, prefix, smallest, partials, unplaced } = result.explanation;
  const wordsOf = (indices: readonly number[]): readonly string[] => indices.map((i) => words[i] ?? '');
  const evidence = {
    part,
    prefix: prefix.length,
    smallest,
    culprit: words[culprit],
    line: shown[culprit]?.line,
    unplaced: wordsOf(unplaced),
    partials: partials.map((p) => ({ order: wordsOf(p.order), state: p.state, missing: wordsOf(p.missing) })),
  };
  const rule = 'every operation takes effect at one moment between its call and its return';
  return [{ code: 'NOT_LINEARIZABLE', rule, evidence, trace: explanationLines(shown, result.explanation), replay }];
};

const lincheck = (path: string, flags: LincheckFlags): void => {
  const history = historyIn(path);
  const model = modelNamed(path, history, flags.model);
  const startMs = monotonicNowMs();
  const time = { limitMs: flags.timeLimit * 1000, nowMs: monotonicNowMs };
  const judged = judgeByName(model, history, { time });
  const seconds = (monotonicNowMs() - startMs) / 1000;
  if (E.isLeft(judged)) {
    const { line, index, why } = judged.left;
    throw new UsageError(`${placeIn(path, line)}: ${line === undefined ? `operation ${index + 1}: ` : ''}${why}.`);
  }
  const { result, words } = judged.right;
  const shown = shownOf(history, words);
  const { operations, parts, steps } = result;
  const open = history.operations.filter((o) => o.answer === undefined).length;
  const lines = [
    `${path}: ${operations} operations, ${open} of unknown outcome, ${parts} part${parts === 1 ? '' : 's'}, model ${model}`,
    ...verdictLines(result, shown),
  ];
  for (const line of lines) process.stdout.write(`${line}\n`);
  const found = foundIn(judged.right, shown, `ironkeel lincheck ${path} --model ${model}`);
  const limit = result.answer === 'unknown' ? { limit: result.limit } : {};
  const counts = { operations, open, failed: history.failed, parts, steps, seconds, violations: found.length };
  const fields = { model, answer: result.answer, ...limit, ...counts, found };
  conclude({ command: 'lincheck', exitCode: exitCodeOf(result), json: flags.json === true, fields });
};

/** Adds `lincheck` to the command line. */
export const registerLincheck = (program: Command): void => {
  program
    .command('lincheck')
    .description('judge a recorded history; exit 0 linearizable, 1 not, 4 unknown')
    .argument('<history>', "Jepsen's maps or log lines, Porcupine's key-value file, or Ironkeel's JSON")
    .option('--model <name>', `what the history is about: ${modelNames.join(', ')}`)
    .option(
      '--time-limit <seconds>',
      'answer "unknown" when so much time has passed',
      secondsFlag,
      timeLimitSecondsDefault,
    )
    .option('--json', 'print one JSON object as the last line')
    .action(lincheck);
};
