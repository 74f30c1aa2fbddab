/** Recorded histories, whatever they were read from, and their check by the name of a model. */
import { E } from '../../spec/prelude.js';
import type { CheckLimits } from './budget.js';
import { checkLinearizability, type Linearizability } from './check.js';
import type { Operation } from './model.js';
import type { CallModel } from './models/call-model.js';
import { counterModel } from './models/counter.js';
import { kvModelOf } from './models/kv.js';
import { lockModel } from './models/lock.js';
import { queueModel } from './models/queue.js';
import { casRegisterModel, registerModel } from './models/register.js';
import { tableModelOf } from './models/table.js';
import type { Call, Result } from './value.js';

/** One operation as it was recorded. */
export interface RecordedOperation {
  readonly client: string;
  readonly call: Call;
  readonly calledAt: number;
  /** Without one the outcome is unknown for ever. */
  readonly answer: { readonly time: number; readonly result: Result } | undefined;
  /** The line of its call in the file it was read from. */
  readonly line: number | undefined;
  /** A guess of when it took effect, among the others that have one: a number that grows. It spares a search where all are right, and is believed in nothing. */
  readonly effect?: number;
}

/** A history in the order of its calls. */
export interface RecordedHistory {
  /** The model that the recorder names. */
  readonly model: string | undefined;
  readonly operations: readonly RecordedOperation[];
  /** How many more there were that are known not to have happened. */
  readonly failed: number;
  /** Whether an absent key reads as the empty string, as in Porcupine's histories, rather than as nil. */
  readonly absentReadsEmpty: boolean;
  /** Of a table: the longest value that it takes; IronKV's default where the recorder does not say. */
  readonly valueBytesMax?: number;
}

const valueBytesMaxDefault = 16 * 1024 * 1024;

/** The models that come with Ironkeel. */
export const modelNames = ['register', 'cas-register', 'kv', 'table', 'queue', 'lock', 'counter'] as const;

/** One of `modelNames`. */
export type ModelName = (typeof modelNames)[number];

/** A recorded history, judged. */
export interface JudgedHistory {
  readonly result: Linearizability;
  /** Every operation in words, by its index. */
  readonly words: readonly string[];
}

/** An operation that the model does not know. */
export interface UnreadableOperation {
  readonly line: number | undefined;
  readonly index: number;
  readonly why: string;
}

const guessedOrder = ({ operations }: RecordedHistory): readonly number[] => {
  const effects = operations.map(({ effect }) => effect);
  const guessed = [...operations.keys()].filter((i) => effects[i] !== undefined);
  return guessed.sort((a, b) => (effects[a] as number) - (effects[b] as number));
};

/** Judges a recorded history by any model of calls; `Left` where it holds an operation that the model does not know. */
export const judgeHistory = <S, Op extends Call, Out extends Result>(
  model: CallModel<S, Op, Out>,
  history: RecordedHistory,
  limits: CheckLimits,
): E.Either<UnreadableOperation, JudgedHistory> => {
  const operations: Operation<Op, Out>[] = [];
  for (const [index, { client, call, calledAt, answer, line }] of history.operations.entries()) {
    const read = model.read(call, answer?.result);
    if (E.isLeft(read)) return E.left({ line, index, why: read.left });
    const { op, output } = read.right;
    const time = answer?.time;
    const known = time === undefined || output === undefined ? undefined : { time, output };
    operations.push({ client, op, call: calledAt, answer: known });
  }
  const result = checkLinearizability(model, operations, limits, guessedOrder(history));
  return E.right({ result, words: operations.map((o) => model.describe(o.op, o.answer?.output)) });
};

/** As `judgeHistory`, by a model that comes with Ironkeel. */
export const judgeByName = (
  name: ModelName,
  history: RecordedHistory,
  limits: CheckLimits,
): E.Either<UnreadableOperation, JudgedHistory> => {
  switch (name) {
    case 'register':
      return judgeHistory(registerModel, history, limits);
    case 'cas-register':
      return judgeHistory(casRegisterModel, history, limits);
    case 'kv':
      return judgeHistory(kvModelOf(history.absentReadsEmpty ? '' : null), history, limits);
    case 'table':
      return judgeHistory(tableModelOf(history.valueBytesMax ?? valueBytesMaxDefault), history, limits);
    case 'queue':
      return judgeHistory(queueModel, history, limits);
    case 'lock':
      return judgeHistory(lockModel, history, limits);
    case 'counter':
      return judgeHistory(counterModel, history, limits);
    default: {
      const none: never = name;
      throw new Error(`no model ${String(none)}`);
    }
  }
};
