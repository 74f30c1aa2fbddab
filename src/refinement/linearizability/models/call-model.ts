/** Models whose operations are calls as files and recorders hold them, and how calls are read as theirs. */
import { E } from '../../../spec/prelude.js';
import type { Model } from '../model.js';
import { type Call, isError, type Result, type Value, valueText } from '../value.js';

/** An operation as a model reads it; `output` undefined is an unknown outcome. */
export interface ReadCall<Op, Out> {
  readonly op: Op;
  readonly output: Out | undefined;
}

/** A model that can judge recorded histories. `Out` never is `undefined`. */
export interface CallModel<S, Op extends Call, Out extends Result> extends Model<S, Op, Out> {
  /** A call as one of this model, with its result (undefined: unknown); `Left` says why it is none. */
  read(call: Call, result: Result | undefined): E.Either<string, ReadCall<Op, Out>>;
}

/**
 * What an operation is answered with: any value; nothing that counts; whether it was done, where nil says that it was; a
 * number, where nil leaves open which.
 */
export type ResultShape = 'value' | 'ack' | 'done' | 'number';

/** The form of an operation. */
export interface CallShape {
  readonly keyed?: boolean;
  /** How many arguments it takes, at least and at most. */
  readonly args: readonly [number, number];
  readonly result: ResultShape;
  /** Whether it may be answered with an error. */
  readonly refusable?: boolean;
  /** What is wrong with these arguments, if anything. */
  readonly wrong?: (args: readonly Value[]) => string | undefined;
}

const listed = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const wrongCall = (call: Call, shape: CallShape): string | undefined => {
  const [min, max] = shape.args;
  const { length } = call.args;
  if (length < min || length > max) {
    const range = min === max ? `${min}` : `${min} to ${max}`;
    return `${call.op} takes ${range} argument${max === 1 ? '' : 's'}, and not ${length}`;
  }
  if (shape.keyed === true && call.key === undefined) return `${call.op} needs a key`;
  return shape.wrong?.(call.args);
};

/** A result in the form that the model compares; `Left` where it cannot be one. */
const readResult = (op: string, result: Result, shape: CallShape): E.Either<string, Result> => {
  if (isError(result))
    return shape.refusable === true ? E.right(result) : E.left(`${op} cannot be answered with an error`);
  const wrong = (what: string): E.Either<string, never> =>
    E.left(`${op} is answered with ${what}, and not with ${valueText(result)}`);
  switch (shape.result) {
    case 'ack':
      return E.right(null);
    case 'value':
      return E.right(result);
    case 'done':
      if (result === null) return E.right(true);
      return typeof result === 'boolean' ? E.right(result) : wrong('true or false');
    default:
      return result === null || Number.isSafeInteger(result) ? E.right(result) : wrong('a whole number');
  }
};

/** Reads the calls that `shapes` lists; their forms are then those of `Op` and `Out`. */
export const readerOf =
  <Op extends Call, Out extends Result>(model: string, shapes: Readonly<Record<Op['op'], CallShape>>) =>
  (call: Call, result: Result | undefined): E.Either<string, ReadCall<Op, Out>> => {
    const table: Readonly<Record<string, CallShape>> = shapes;
    const shape = Object.hasOwn(table, call.op) ? table[call.op] : undefined;
    if (shape === undefined)
      return E.left(`the model ${model} knows ${listed(Object.keys(shapes))}, and not "${call.op}"`);
    const wrong = wrongCall(call, shape);
    if (wrong !== undefined) return E.left(wrong);
    const op = call as Op;
    if (result === undefined) return E.right({ op, output: undefined });
    const output = readResult(call.op, result, shape);
    return E.isLeft(output) ? output : E.right({ op, output: output.right as Out });
  };
