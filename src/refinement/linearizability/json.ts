/** Ironkeel's own histories: JSON of the format 'ironkeel-history', version 1 (docs/linearizability.md). */
import type { RecordedHistory, RecordedOperation } from './history.js';
import { Unreadable } from './unreadable.js';
import { isError, type Result, type Value } from './value.js';

const format = 'ironkeel-history';
const version = 1;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isValue = (value: unknown): value is Value =>
  value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number';

const isResult = (value: unknown): value is Result =>
  isValue(value) || (isFields(value) && typeof value.error === 'string');

/** The line of each element of the top-level array `operations`, from 1; the text is known to be JSON. */
const operationLines = (text: string): readonly number[] => {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let inOperations = false;
  let lastString = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\n') line++;
    else if (c === '"') {
      const from = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth === 1) lastString = text.slice(from + 1, i);
    } else if (c === '[' || c === '{') {
      depth++;
      if (depth === 2) inOperations = c === '[' && lastString === 'operations';
      if (depth === 3 && inOperations) lines.push(line);
    } else if (c === ']' || c === '}') depth--;
  }
  return lines;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const { message } = error as Error;
    const position = /position (\d+)/.exec(message)?.[1];
    const before = position === undefined ? text.trimEnd() : text.slice(0, Number(position));
    throw new Unreadable(before.split('\n').length, `the file is truncated or not JSON (${message.split('\n')[0]})`);
  }
};

/** Reads one operation; undefined for one that did not happen. */
const operationOf = (fields: unknown, line: number | undefined): RecordedOperation | undefined => {
  const refuse = (why: string): never => {
    throw new Unreadable(line, why);
  };
  if (!isFields(fields)) return refuse('an operation is an object');
  const { client, op, key, args = [], call, return: returned = null, outcome, result = null } = fields;
  if (typeof client !== 'string' && typeof client !== 'number') return refuse('an operation names its client');
  if (typeof op !== 'string') return refuse('an operation has a name, "op"');
  if (key !== undefined && typeof key !== 'string') return refuse('"key" is a string');
  if (!Array.isArray(args) || !args.every(isValue)) return refuse('"args" is a list of plain values');
  if (typeof call !== 'number') return refuse('"call" is the time of the call');
  if (returned !== null && typeof returned !== 'number') return refuse('"return" is the time of the return, or null');
  if (returned !== null && returned < call)
    return refuse(`the operation returns at ${returned}, before its call at ${call}`);
  if (!isResult(result)) return refuse('"result" is a plain value or {"error": NAME}');
  const operation = {
    client: String(client),
    call: { op, ...(key === undefined ? {} : { key }), args },
    calledAt: call,
    line,
  };
  if (outcome === 'fail') return undefined;
  if (outcome === 'unknown') return { ...operation, answer: undefined };
  if (outcome !== 'ok') return refuse('"outcome" is ok, fail or unknown');
  if (returned === null) return refuse('an operation with the outcome ok has a time of return');
  return { ...operation, answer: { time: returned, result } };
};

interface Span {
  readonly from: number;
  readonly until: number;
  readonly line: number | undefined;
}

/** A client has one operation at a time; one that never returned ends its client. */
const refuseOverlaps = (operations: readonly unknown[], lines: readonly number[]): void => {
  const byClient = new Map<string, Span[]>();
  for (const [i, operation] of operations.entries()) {
    const { client, call, return: returned = null } = operation as Fields;
    const span = {
      from: call as number,
      until: (returned as number | null) ?? Number.POSITIVE_INFINITY,
      line: lines[i],
    };
    const spans = byClient.get(String(client));
    if (spans === undefined) byClient.set(String(client), [span]);
    else spans.push(span);
  }
  for (const [client, spans] of byClient) {
    spans.sort((a, b) => a.from - b.from || a.until - b.until);
    for (let i = 1; i < spans.length; i++) {
      const [before, after] = [spans[i - 1] as Span, spans[i] as Span];
      if (after.from < before.until)
        throw new Unreadable(
          after.line,
          `client ${client} calls again before its call of line ${before.line} returned`,
        );
    }
  }
};

/** Reads a history of Ironkeel's own; throws `Unreadable`. */
export const readJsonHistory = (text: string): RecordedHistory => {
  const file = parse(text);
  if (!isFields(file) || file.format !== format)
    throw new Unreadable(1, `the file is JSON, and not of the format "${format}"`);
  if (file.version !== version)
    throw new Unreadable(
      1,
      `the file is of version ${JSON.stringify(file.version)}, and only version ${version} can be read`,
    );
  const { model, operations, valueBytesMax } = file;
  if (model !== undefined && typeof model !== 'string') throw new Unreadable(1, '"model" is the name of a model');
  if (valueBytesMax !== undefined && typeof valueBytesMax !== 'number')
    throw new Unreadable(1, '"valueBytesMax" is a number of bytes');
  if (!Array.isArray(operations)) throw new Unreadable(1, '"operations" is a list');
  const lines = operationLines(text);
  const read = operations.map((operation: unknown, i) => operationOf(operation, lines[i]));
  refuseOverlaps(operations, lines);
  const happened = read.filter((o) => o !== undefined);
  return {
    ...{ model, operations: happened, failed: read.length - happened.length, absentReadsEmpty: false },
    ...(valueBytesMax === undefined ? {} : { valueBytesMax }),
  };
};

/** An operation to be written; `returned` is when the client was told, or gave up. */
export interface WrittenOperation extends RecordedOperation {
  readonly returned: number | undefined;
  readonly outcome: 'ok' | 'fail' | 'unknown';
}

/** The text of a history, one operation a line. Times are in nanoseconds from any start. `limits` says what of the object its model needs to know. */
export const writeJsonHistory = (
  model: string | undefined,
  operations: readonly WrittenOperation[],
  limits: Pick<RecordedHistory, 'valueBytesMax'>,
): string => {
  const lines = operations.map(({ client, call, calledAt, answer, returned, outcome }) =>
    JSON.stringify({
      client,
      op: call.op,
      ...(call.key === undefined ? {} : { key: call.key }),
      args: call.args,
      call: calledAt,
      return: returned ?? null,
      outcome,
      ...(answer === undefined
        ? {}
        : { result: isError(answer.result) ? { error: answer.result.error } : answer.result }),
    }),
  );
  const head = JSON.stringify({ format, version, ...(model === undefined ? {} : { model }), ...limits });
  return `${head.slice(0, -1)},"operations":[\n${lines.join(',\n')}\n]}\n`;
};
