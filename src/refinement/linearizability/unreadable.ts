/** Histories that cannot be read: one sentence, and its place. */

/** Thrown inside the readers; `readHistory` gives it as a value. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** From 1; undefined where the whole file is meant. */
  readonly line: number | undefined;

  constructor(line: number | undefined, why: string) {
    super(why);
    this.line = line;
  }
}
