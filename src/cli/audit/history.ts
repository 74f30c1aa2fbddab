/** The histories that clients recorded beside the journals of an audit, judged for linearizability. */
import { readFileSync } from 'node:fs';
import { monotonicNowMs } from '../../host/real-time.js';
import {
  explanationLines,
  judgeByName,
  type ModelName,
  modelNames,
  readHistory,
} from '../../refinement/linearizability.js';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import { UsageError } from '../outcome.js';

/** What a history shows. */
export interface HistoryAnswer {
  readonly answer: 'linearizable' | 'not' | 'unknown' | 'none';
  readonly operations: number;
  readonly violation: Violation | undefined;
  /** Why it is not known, in sentences. */
  readonly open: readonly string[];
}

/** The search for an order of all operations may take so long. */
const limitMs = 60_000;

const none: HistoryAnswer = { answer: 'none', operations: 0, violation: undefined, open: [] };

const unknown = (operations: number, why: string): HistoryAnswer => ({
  answer: 'unknown',
  operations,
  violation: undefined,
  open: [why],
});

const read = (path: string) => {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}).`);
  }
  const history = readHistory(bytes);
  if (E.isLeft(history))
    throw new UsageError(
      `${path}${history.left.line === undefined ? '' : `:${history.left.line}`}: ${history.left.why}.`,
    );
  const model = modelNames.find((name) => name === history.right.model);
  if (model === undefined)
    throw new UsageError(`${path} does not name a model that is known: ${modelNames.join(', ')}.`);
  return { history: history.right, model: model as ModelName };
};

/**
 * Judges the one history in `paths`, if there is one. Times of two recorders cannot be compared, so two histories are refused. A
 * history without some of the `requests` that the service answered cannot show a violation: what it lacks might explain it.
 */
export const auditHistory = (paths: readonly string[], requests: number): HistoryAnswer => {
  const [path] = paths;
  if (path === undefined) return none;
  if (paths.length > 1)
    throw new UsageError(`${paths.join(' and ')} are histories of different clocks: name one of them with --history.`);
  const { history, model } = read(path);
  const judged = judgeByName(model, history, { time: { limitMs, nowMs: monotonicNowMs } });
  if (E.isLeft(judged)) throw new UsageError(`${path}: operation ${judged.left.index + 1}: ${judged.left.why}.`);
  const { result, words } = judged.right;
  const { operations } = result;
  if (result.answer === 'linearizable') return { answer: 'linearizable', operations, violation: undefined, open: [] };
  if (result.answer === 'unknown') return unknown(operations, `The check of ${path} ran out of ${result.limit}.`);
  if (operations < requests)
    return unknown(
      operations,
      `${path} is not linearizable by itself, but holds ${operations} operations, and the service answered ${requests}.`,
    );
  const shown = history.operations.map(({ client, calledAt, answer, line }, i) => {
    return { client, words: words[i] ?? '', call: calledAt, return: answer?.time, line };
  });
  const { culprit, explanation } = { culprit: words[result.explanation.culprit], explanation: result.explanation };
  const evidence = { file: path, operation: culprit, picture: explanationLines(shown, explanation) };
  const rule = "the clients' history is linearizable";
  return { answer: 'not', operations, violation: { code: 'NOT_LINEARIZABLE', rule, evidence }, open: [] };
};
