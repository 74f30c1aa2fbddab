/** What stops an exploration without saying anything about the model's properties: a model that cannot be explored as it is. */

/** Why a model cannot be explored. `not-deterministic` makes the result inconclusive; the others are errors in the model. */
export type FaultKind = 'threw' | 'not-serializable' | 'not-deterministic' | 'no-initial-state';

/** One sentence that names the place. */
export class ModelFault extends Error {
  override readonly name = 'ModelFault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, sentence: string) {
    super(sentence);
    this.kind = kind;
  }
}

/** Whether the runtime says that an array or a map can be no larger. */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof RangeError && /allocation|array length|maximum size/i.test(error.message);

/** An error in one line, for a sentence. */
export const errorWords = (error: unknown): string => {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split('\n')[0] ?? text;
};
