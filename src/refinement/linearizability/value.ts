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

/** A call in words, with its result; `undefined` is an unknown one. */
export const callText = ({ op, key, args }: Call, result: Result | undefined): string => {
  const given = [...(key === undefined ? [] : [key]), ...args.map(valueText)].join(', ');
  const answer = result === undefined ? '?' : isError(result) ? `error ${result.error}` : valueText(result);
  return `${op}(${given}) -> ${answer}`;
};

/** Whether an object refused a call. */
export const isError = (result: Result): result is { readonly error: string } =>
  typeof result === 'object' && result !== null;

/** Equal for calls that ask the same. */
export const callKey = ({ op, key, args }: Call): string => JSON.stringify([op, key, args]);
