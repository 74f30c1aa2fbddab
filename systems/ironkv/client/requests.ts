/** What a client knows of commands and their outcomes. */
import type { Command, Outcome } from '../commands.js';
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

/** Whether two sessions are one. */
export const sameSession = (a: Session, b: Session): boolean => a.number === b.number && a.nonce === b.nonce;
