/**
 * Reads commands of the Redis protocol (RESP2 arrays of bulk strings, and inline commands) from input that may be cut at any
 * byte. What it holds is bounded by its limits; sentences for mistakes are those of Redis, which ends the connection after them.
 */

/** Bounds on what a client may send. */
export interface RespLimits {
  /** Bytes of one argument. */
  readonly argumentBytesMax: number;
  /** Arguments of one command, its name included. */
  readonly argumentsMax: number;
  /** Bytes of all arguments of one command. */
  readonly commandBytesMax: number;
}

/** What the input holds next. The arguments are views of the input; there is at least one. */
export type Parsed =
  | { readonly tag: 'command'; readonly args: readonly Uint8Array[]; readonly bytes: number }
  /** The client does not speak the protocol: nothing that follows has a meaning. */
  | { readonly tag: 'error'; readonly message: string }
  | { readonly tag: 'more' };

const more: Parsed = { tag: 'more' };

/** Bytes of a line, of an inline command and of a number. */
const lineBytesMax = 65_536;

/** What each argument costs besides its bytes. */
export const argumentBytes = 256;

/** The first piece of an argument takes room for so much. */
const partBytesMin = 4096;

/** Bytes of a line in which its end is looked for one by one. */
const shortLineBytes = 16;

/** Digits of a number that is read one by one. */
const shortDigits = 9;

const [star, dollar, carriageReturn, newline, zero] = [0x2a, 0x24, 0x0d, 0x0a, 0x30];

const empty = Buffer.alloc(0);

/** One connection's input. */
export class RespParser {
  readonly #limits: RespLimits;
  #input: Buffer = empty;
  #at = 0;
  /** Arguments that the array under way still lacks; -1 outside of an array. */
  #missing = -1;
  #args: Uint8Array[] = [];
  #argsBytes = 0;
  /** Bytes of the argument under way; -1 before its length is known. */
  #length = -1;
  /** What came of an argument that did not come whole, and how much. Copied together, so that many small pieces cost no more than few. */
  #part: Buffer = empty;
  #partBytes = 0;
  #failed: Parsed | undefined;

  constructor(limits: RespLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait in the parser: those not read yet, and those of a command that is not whole. */
  get heldBytes(): number {
    const args = this.#argsBytes + argumentBytes * this.#args.length;
    return this.#input.length - this.#at + args + this.#part.length;
  }

  /** Lets go of everything. */
  clear(): void {
    this.#input = empty;
    this.#at = 0;
    this.#startOver();
  }

  /** Whether something was put in that `next` has not looked at. */
  get unread(): boolean {
    return this.#at < this.#input.length;
  }

  /** Adds input, which must not change afterwards. */
  push(chunk: Buffer): void {
    this.#input = this.unread ? Buffer.concat([this.#input.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** The next command; `more` where the input does not hold all of it. */
  next(): Parsed {
    if (this.#failed !== undefined) return this.#failed;
    const parsed = this.#next();
    if (parsed.tag === 'error') {
      this.#failed = parsed;
      this.clear();
    }
    return parsed;
  }

  #next(): Parsed {
    for (;;) {
      if (this.#missing < 0) {
        if (!this.unread) return more;
        const inline = this.#input[this.#at] !== star;
        const start = this.#at;
        const end = this.#line();
        if (end < 0) return this.#lineTooLong(inline ? 'too big inline request' : 'too big mbulk count string');
        const parsed = inline ? inlineCommand(this.#input.subarray(start, end)) : this.#startArray(start + 1, end);
        // An empty command has no answer.
        if (parsed !== undefined) return parsed;
      } else if (this.#missing === 0) return this.#take();
      else {
        const parsed = this.#argument();
        if (parsed !== undefined) return parsed;
      }
    }
  }

  /** The arguments that were gathered. */
  #take(): Parsed {
    const parsed: Parsed = { tag: 'command', args: this.#args, bytes: this.#argsBytes };
    this.#startOver();
    return parsed;
  }

  #startOver(): void {
    this.#missing = -1;
    this.#args = [];
    this.#argsBytes = 0;
    this.#length = -1;
    this.#part = empty;
    this.#partBytes = 0;
  }

  #startArray(start: number, end: number): Parsed | undefined {
    const count = integerIn(this.#input, start, end);
    if (count === undefined || count > this.#limits.argumentsMax) return protocolError('invalid multibulk length');
    if (count > 0) this.#missing = count;
    return undefined;
  }

  /** Gathers one argument; `undefined` where it is whole. */
  #argument(): Parsed | undefined {
    if (this.#length < 0) {
      if (!this.unread) return more;
      const first = this.#input[this.#at] as number;
      if (first !== dollar) return protocolError(`expected '$', got '${printable(first)}'`);
      const start = this.#at + 1;
      const end = this.#line();
      if (end < 0) return this.#lineTooLong('too big bulk count string');
      const length = integerIn(this.#input, start, end);
      if (length === undefined || length < 0 || length > this.#limits.argumentBytesMax) {
        return protocolError('invalid bulk length');
      }
      if (this.#argsBytes + length > this.#limits.commandBytesMax) return protocolError('too big command');
      this.#length = length;
    }
    // With the line end behind it, of which Redis does not look at the bytes either.
    const wanted = this.#length + 2 - this.#partBytes;
    const isWhole = this.#at + wanted <= this.#input.length;
    if (isWhole && this.#partBytes === 0) {
      // Not `subarray`, which costs a third more.
      this.#args.push(new Uint8Array(this.#input.buffer, this.#input.byteOffset + this.#at, this.#length));
      this.#at += wanted;
    } else {
      const piece = this.#input.subarray(this.#at, this.#at + wanted);
      this.#at += piece.length;
      this.#keep(piece);
      if (!isWhole) return more;
      this.#args.push(this.#part.subarray(0, this.#length));
    }
    this.#argsBytes += this.#length;
    this.#missing--;
    this.#length = -1;
    this.#part = empty;
    this.#partBytes = 0;
    return undefined;
  }

  /** Adds a piece of the argument under way. */
  #keep(piece: Buffer): void {
    const needed = this.#partBytes + piece.length;
    if (needed > this.#part.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(this.#length + 2, Math.max(2 * this.#part.length, needed, partBytesMin)),
      );
      this.#part.copy(grown, 0, 0, this.#partBytes);
      this.#part = grown;
    }
    piece.copy(this.#part, this.#partBytes);
    this.#partBytes = needed;
  }

  /** Goes on behind the next line; where that ends, without its end, or -1 where that has not come. */
  #line(): number {
    const start = this.#at;
    let end = start;
    // Nearly every line is a short number: finding its end costs less here than the call into native code.
    while (end < start + shortLineBytes && this.#input[end] !== newline) end++;
    if (this.#input[end] !== newline) end = this.#input.indexOf(newline, end);
    if (end < 0 || end - start > lineBytesMax) return -1;
    this.#at = end + 1;
    return end > start && this.#input[end - 1] === carriageReturn ? end - 1 : end;
  }

  #lineTooLong(message: string): Parsed {
    return this.#input.length - this.#at > lineBytesMax ? protocolError(message) : more;
  }
}

const protocolError = (message: string): Parsed => ({ tag: 'error', message: `ERR Protocol error: ${message}` });

const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?');

/** The number that `bytes` from `start` up to `end` write. */
const integerIn = (bytes: Buffer, start: number, end: number): number | undefined => {
  // Few digits are what nearly every line has.
  let value = end - start <= shortDigits && (bytes[start] !== zero || end - start === 1) ? 0 : Number.NaN;
  for (let i = start; i < end && value >= 0; i++) {
    const digit = (bytes[i] as number) - zero;
    value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
  }
  if (end > start && value >= 0) return value;
  const text = bytes.toString('latin1', start, end);
  return /^(0|-?[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined;
};

const escapes: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, a: 0x07 };

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** An inline command, with the quotes of `redis-cli`; `undefined` for an empty line. */
const inlineCommand = (line: Buffer): Parsed | undefined => {
  const args: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at] as number)) at++;
    if (at === line.length) break;
    const word = inlineWord(line, at);
    if (word === undefined) return protocolError('unbalanced quotes in request');
    args.push(word.bytes);
    at = word.end;
  }
  return args.length === 0 ? undefined : { tag: 'command', args, bytes: line.length };
};

interface Word {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** The word that begins at `from`; `undefined` where its quotes do not close, or something touches a closing quote. */
const inlineWord = (line: Buffer, from: number): Word | undefined => {
  const bytes: number[] = [];
  let at = from;
  let quote = 0;
  for (; at < line.length; at++) {
    const byte = line[at] as number;
    if (quote === 0) {
      if (isSpace(byte)) break;
      if (byte === 0x22 || byte === 0x27) quote = byte;
      else bytes.push(byte);
    } else if (byte === quote) {
      if (at + 1 < line.length && !isSpace(line[at + 1] as number)) return undefined;
      quote = 0;
    } else if (byte === 0x5c && at + 1 < line.length) at = pushEscaped(line, at + 1, quote, bytes);
    else bytes.push(byte);
  }
  return quote === 0 ? { bytes: Uint8Array.from(bytes), end: at } : undefined;
};

/** Adds what the characters after a backslash mean; the position of the last of them. */
const pushEscaped = (line: Buffer, at: number, quote: number, bytes: number[]): number => {
  const escaped = String.fromCharCode(line[at] as number);
  if (quote === 0x27) {
    // Within single quotes only a single quote is escaped.
    if (escaped !== "'") bytes.push(0x5c);
    bytes.push(line[at] as number);
    return at;
  }
  const hex = line.toString('latin1', at + 1, at + 3);
  if (escaped === 'x' && /^[0-9a-fA-F]{2}$/.test(hex)) {
    bytes.push(Number.parseInt(hex, 16));
    return at + 2;
  }
  bytes.push(escapes[escaped] ?? (line[at] as number));
  return at;
};
