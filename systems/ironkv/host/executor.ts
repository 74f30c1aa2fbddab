/** What commands do to the table (README.md, "Commands"). */
import { equalBytes } from '../../../src/spec/bytes.js';
import { natMax } from '../../../src/spec/nat.js';
import { unreachable } from '../../../src/spec/prelude.js';
import type { Command, CommandError, Read, ReadOutcome, Write, WriteOutcome } from '../commands.js';
import type { OrderedTable } from './ordered-table.js';
import type { StepScope } from './step-scope.js';
import type { ValueStore } from './value-store.js';

const took: WriteOutcome = { tag: 'done', done: true };
const tookNot: WriteOutcome = { tag: 'done', done: false };
const failures: Readonly<Record<CommandError, WriteOutcome>> = {
  NOT_AN_INTEGER: { tag: 'failed', error: 'NOT_AN_INTEGER' },
  OUT_OF_RANGE: { tag: 'failed', error: 'OUT_OF_RANGE' },
  VALUE_TOO_LARGE: { tag: 'failed', error: 'VALUE_TOO_LARGE' },
};

const absent: ReadOutcome = { tag: 'value', value: null };
const noLength: ReadOutcome = { tag: 'length', length: null };

/** Whether the command changes nothing, whatever the table. */
export const isRead = (command: Command): command is Read => command.tag === 'get' || command.tag === 'length';

/** Whether a value that the command carries is longer than `bytesMax`. */
export const carriesLonger = (command: Command, bytesMax: number): boolean => {
  switch (command.tag) {
    case 'set':
    case 'append':
      return command.value.length > bytesMax;
    case 'compareAndSet':
      return command.value.length > bytesMax || (command.old !== null && command.old.length > bytesMax);
    default:
      return false;
  }
};

const minus = 0x2d;
const zero = 0x30;

/** Digits of the largest safe integer. */
const digitsMax = 16;

/** The integer that `bytes` write in the one way that is read: `0`, or an optional `-` and digits that do not start with 0. */
const integerOf = (bytes: Uint8Array): number | CommandError => {
  const start = bytes[0] === minus ? 1 : 0;
  const digits = bytes.length - start;
  if (digits === 0) return 'NOT_AN_INTEGER';
  if (bytes[start] === zero) return bytes.length === 1 ? 0 : 'NOT_AN_INTEGER';
  let magnitude = 0;
  for (let i = start; i < bytes.length; i++) {
    const digit = (bytes[i] as number) - zero;
    if (digit < 0 || digit > 9) return 'NOT_AN_INTEGER';
    // With more digits it is out of range anyway; but what follows may be no digit.
    if (digits <= digitsMax) magnitude = magnitude * 10 + digit;
  }
  // A magnitude of 16 digits may have been rounded, but never from above the safe integers into them.
  if (digits > digitsMax || magnitude > natMax) return 'OUT_OF_RANGE';
  return start === 0 ? magnitude : -magnitude;
};

/** Executes commands on one table. */
export class Executor {
  readonly #table: OrderedTable;
  readonly #values: ValueStore;
  readonly #valueBytesMax: number;
  readonly #scope: StepScope;

  constructor(table: OrderedTable, values: ValueStore, valueBytesMax: number, scope: StepScope) {
    this.#table = table;
    this.#values = values;
    this.#valueBytesMax = valueBytesMax;
    this.#scope = scope;
  }

  /** `key` is the text of the command's key. */
  read(command: Read, key: string): ReadOutcome {
    const value = this.#table.get(key);
    if (command.tag === 'get') return value === undefined ? absent : { tag: 'value', value };
    return value === undefined ? noLength : { tag: 'length', length: value.length };
  }

  /** As `read`; changes the table. */
  write(command: Write, key: string): WriteOutcome {
    switch (command.tag) {
      case 'set': {
        const takesPlace = command.when === 'always' || this.#table.has(key) === (command.when === 'present');
        return takesPlace ? this.#put(key, command.value) : tookNot;
      }
      case 'compareAndSet':
        return this.#compareAndSet(command, key);
      case 'delete':
        if (!this.#table.delete(key)) return tookNot;
        this.#scope.touchAt('table', key);
        return took;
      case 'increment':
        return this.#increment(key, command.by);
      case 'append':
        return this.#append(key, command.value);
      default:
        return unreachable(command);
    }
  }

  #put(key: string, value: Uint8Array): WriteOutcome {
    this.#set(key, this.#values.copy(value));
    return took;
  }

  #set(key: string, value: Uint8Array): void {
    this.#table.set(key, value);
    this.#scope.touchAt('table', key);
  }

  #compareAndSet({ old, value }: Extract<Write, { tag: 'compareAndSet' }>, key: string): WriteOutcome {
    const current = this.#table.get(key);
    const matches = old === null ? current === undefined : current !== undefined && equalBytes(current, old);
    return matches ? this.#put(key, value) : tookNot;
  }

  #increment(key: string, by: number): WriteOutcome {
    const current = this.#table.get(key);
    const before = current === undefined ? 0 : integerOf(current);
    if (typeof before === 'string') return failures[before];
    const number = before + by;
    if (!Number.isSafeInteger(number)) return failures.OUT_OF_RANGE;
    this.#set(key, this.#values.copy(Buffer.from(String(number), 'latin1')));
    return { tag: 'number', number };
  }

  #append(key: string, value: Uint8Array): WriteOutcome {
    const current = this.#table.get(key);
    const before = current === undefined ? 0 : current.length;
    const number = before + value.length;
    if (number > this.#valueBytesMax) return failures.VALUE_TOO_LARGE;
    const joined = new Uint8Array(number);
    if (current !== undefined) joined.set(current);
    joined.set(value, before);
    this.#set(key, joined);
    return { tag: 'number', number };
  }
}
