/** The judgement of what the clients of one run were told. */

import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import type { CheckLimits } from './budget.js';
import {
  type JudgedHistory,
  judgeByName,
  judgeHistory,
  type ModelName,
  type RecordedHistory,
  type UnreadableOperation,
} from './history.js';
import type { CallModel } from './models/call-model.js';
import { explanationLines } from './picture.js';
import { type HistoryRecorder, recordedHistory } from './recorder.js';
import type { Call, Result } from './value.js';

/** The answer for a run: `unknown` says which limit was reached. */
export type HistoryVerdict =
  | { readonly answer: 'linearizable' }
  | { readonly answer: 'not'; readonly violation: Violation }
  | { readonly answer: 'unknown'; readonly why: string };

/** No clock among them: equal runs have equal answers. */
const runLimits: CheckLimits = { stepsMax: 2_000_000, memoryBytesMax: 128 * 1024 * 1024 };

const rule = "the clients' history is linearizable";

const violation = (evidence: Violation['evidence']): HistoryVerdict => ({
  answer: 'not',
  violation: { code: 'NOT_LINEARIZABLE', rule, evidence },
});

/** Judges what was recorded, within limits that read no clock unless others are given. A reply that the operation cannot have at all is a violation too. */
export const judgeRecorded = (
  model: ModelName,
  recorder: HistoryRecorder<Call, Result>,
  limits: CheckLimits = runLimits,
): HistoryVerdict => {
  const history = recordedHistory(recorder);
  return verdictOn(model, history, judgeByName(model, history, limits));
};

/** As `judgeRecorded`, by a model of one's own. */
export const judgeRecordedBy = <S, Op extends Call, Out extends Result>(
  model: CallModel<S, Op, Out>,
  recorder: HistoryRecorder<Call, Result>,
  limits: CheckLimits = runLimits,
): HistoryVerdict => {
  const history = recordedHistory(recorder);
  return verdictOn(model.name, history, judgeHistory(model, history, limits));
};

const verdictOn = (
  model: string,
  history: RecordedHistory,
  judged: E.Either<UnreadableOperation, JudgedHistory>,
): HistoryVerdict => {
  if (E.isLeft(judged)) return violation({ model, operation: judged.left.index, why: judged.left.why });
  const { result, words } = judged.right;
  if (result.answer === 'linearizable') return result;
  if (result.answer === 'unknown') return { answer: 'unknown', why: `the history's check ran out of ${result.limit}` };
  const shown = history.operations.map(({ client, calledAt, answer }, i) => {
    return { client, words: words[i] ?? '', call: calledAt, return: answer?.time, line: undefined };
  });
  const { part, culprit, prefix } = result.explanation;
  return violation({
    model,
    part,
    operation: words[culprit],
    client: shown[culprit]?.client,
    operations: prefix.length,
    picture: explanationLines(shown, result.explanation),
  });
};
