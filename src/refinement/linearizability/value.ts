/** The values of the models that come with Ironkeel, and calls as recorders and files know them. */

/** What registers, keys and queues hold. Compound values of a foreign history are held as their text. */
export type Value = null | boolean | number | string;

/** The answer to a call: a value, or the name of the error with which the object refused it, changing nothing. */
export type Result = Value | { readonly error: string };

/** What a client asked, before any model has looked at it. */
export interface Call {
  readonly op: string;
  readonly key?: string;
  readonly args: readonly Value[];
}

/** Equal for equal values only. */
export const valueKey = (value: Value): string => (typeof value === 'string' ? `"${value}` : String(value));

/** A value in words; null is `nil`. */
export const valueText = (value: Value): string => {
  if (value === null) return 'nil';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
};

/** Operations that only ask, so that a null in answer to them is a value; in answer to others it says that they were done. */
export const askingOps: ReadonlySet<string> = new Set(['read', 'get', 'length', 'dequeue']);

/** A call in words, with its result; `undefined` is an unknown one. */
export const callText = ({ op, key, args }: Call, result: Result | undefined): string => {
  const given = [...(key === undefined ? [] : [key]), ...args.map(valueText)].join(', ');
  return `${op}(${given}) -> ${answerText(op, result)}`;
};

const answerText = (op: string, result: Result | undefined): string => {
  if (result === undefined) return '?';
  if (isError(result)) return `error ${result.error}`;
  return result === null && !askingOps.has(op) ? 'ok' : valueText(result);
};

/** Whether an object refused a call. */
export const isError = (result: Result): result is { readonly error: string } =>
  typeof result === 'object' && result !== null;

/** Equal for calls that ask the same. */
export const callKey = ({ op, key, args }: Call): string => JSON.stringify([op, key, args]);
