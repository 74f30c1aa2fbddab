/** How a command ends: exit codes, one sentence for an operator's mistake, and one JSON object for programs. */

/** Exit codes of every command: fine; a violation; usage or configuration; internal; out of time or inconclusive; interrupted. */
export const exitCodes = { ok: 0, violation: 1, usage: 2, internal: 3, inconclusive: 4, interrupted: 130 } as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An operator's mistake: one sentence for each, which says how to mend it. Ends the command with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly sentences: readonly string[];

  constructor(...sentences: readonly string[]) {
    super(sentences.join('\n'));
    this.sentences = sentences;
  }
}

/** What a command has to say at its end. */
export interface Conclusion {
  readonly command: string;
  readonly exitCode: ExitCode;
  /** Whether the caller asked for `--json`. */
  readonly json: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Sets the exit code and, for `--json`, prints the object that must be the last line of stdout. */
export const conclude = ({ command, exitCode, json, fields }: Conclusion): void => {
  process.exitCode = exitCode;
  if (!json) return;
  process.stdout.write(`${JSON.stringify({ ok: exitCode === exitCodes.ok, command, ...fields })}\n`);
};

/** A flag's whole number of at least `min`; anything else is a mistake told in one sentence. */
export const wholeFlag =
  (flag: string, min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const n = Number(text);
    if (/^\d+$/.test(text) && n >= min && n <= max) return n;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`${flag} takes a whole number ${range}, and not "${text}".`);
  };
