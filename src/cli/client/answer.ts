/** What a request of `ironkeel client` gave, for a person and for a program. */
import { type ExitCode, exitCodes, UsageError } from '../outcome.js';

/** How a request ended. */
export interface Answer {
  readonly exitCode: ExitCode;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The words behind an operation's name. */
export type Words = readonly string[];

/** The flags of the command. */
export interface ClientFlags {
  readonly config: string;
  readonly timeout?: number;
  readonly absent?: boolean;
  readonly hex?: boolean;
  readonly json?: boolean;
}

/** A word's bytes, in UTF-8; with `hex` two digits for each byte, with or without `0x` before them. */
export const bytesOf = (text = '', hex = false): Uint8Array => {
  if (!hex) return Buffer.from(text, 'utf8');
  const digits = text.replace(/^0x/, '');
  if (!/^([0-9a-fA-F]{2})*$/.test(digits))
    throw new UsageError(`"${text}" is not hexadecimal: two digits for each byte.`);
  return Buffer.from(digits, 'hex');
};

/** Bytes for a program: as text where they are UTF-8, else in base64. */
export const valueFields = (value: Uint8Array | null): Readonly<Record<string, unknown>> => {
  if (value === null) return { value: null };
  const text = Buffer.from(value).toString('utf8');
  const exact = Buffer.compare(Buffer.from(text, 'utf8'), value) === 0;
  return exact ? { value: text } : { valueBase64: Buffer.from(value).toString('base64') };
};

/** What a request told, shown. */
export type Shown = Pick<Answer, 'text' | 'fields'>;

/** An answer of one number or truth. */
export const plain = (value: boolean | number): Shown => ({ text: String(value), fields: { value } });

/** A value, or that there is none; for a person in hexadecimal where `hex` says so. */
export const shownValue =
  (hex: boolean) =>
  (value: Uint8Array | null): Shown => ({
    text: value === null ? '(nil)' : Buffer.from(value).toString(hex ? 'hex' : 'utf8'),
    fields: valueFields(value),
  });

/** An answer that came. */
export const fine = (shown: Shown): Answer => ({ exitCode: exitCodes.ok, ...shown });
