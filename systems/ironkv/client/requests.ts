/** What a client knows of commands and their outcomes. */
import { type Command, type Outcome, wireMax } from '../commands.js';
import type { Session } from '../messages.js';

/** Whether `command` may change the table. */
export const isWrite = ({ tag }: Command): boolean => tag !== 'get' && tag !== 'length';

/** Bytes of the longest value in `command`. */
export const valueBytesOf = (command: Command): number => {
  const value = 'value' in command ? command.value.length : 0;
  return command.tag === 'compareAndSet' ? Math.max(value, command.old?.length ?? 0) : value;
};

/** Whether `outcome` is of the kind that `command` has. */
export const fits = (command: Command, outcome: Outcome): boolean => {
  switch (command.tag) {
    case 'get':
      return outcome.tag === 'value';
    case 'length':
      return outcome.tag === 'length';
    case 'increment':
    case 'append':
      return outcome.tag === 'number' || outcome.tag === 'failed';
    default:
      return outcome.tag === 'done';
  }
};

const bytesProblem = (bytes: unknown): string | undefined =>
  bytes instanceof Uint8Array ? undefined : 'a key and a value are Uint8Arrays';

const isWireInteger = (n: number): boolean => Number.isSafeInteger(n) && !Object.is(n, -0);

const whens: readonly unknown[] = ['always', 'absent', 'present'];

/** Why `command` is none, whatever its size, if so: what the types do not rule out, or a caller without types. */
export const problemOf = (command: Command): string | undefined => {
  const problem = bytesProblem(command.key);
  if (problem !== undefined) return problem;
  switch (command.tag) {
    case 'increment':
      return isWireInteger(command.by) ? undefined : 'an increment is by an integer within ±(2^53 - 1), and not by -0';
    case 'set':
      return whens.includes(command.when)
        ? bytesProblem(command.value)
        : 'a value is set always, where it is absent, or where it is present';
    case 'append':
      return bytesProblem(command.value);
    case 'compareAndSet':
      return bytesProblem(command.value) ?? (command.old === null ? undefined : bytesProblem(command.old));
    default:
      return undefined;
  }
};

/** Whether a message has room for `command`; a cluster takes less. */
export const fitsMessages = (command: Command): boolean =>
  command.key.length <= wireMax.keyBytes && valueBytesOf(command) <= wireMax.valueBytes;

/** Whether two sessions are one. */
export const sameSession = (a: Session, b: Session): boolean => a.number === b.number && a.nonce === b.nonce;
