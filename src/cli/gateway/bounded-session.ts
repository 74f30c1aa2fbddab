/** A session of the store that refuses, by name, keys and values above the store's limits before the store is asked. */
import type { AtomicStore, RespStore, StoreCommand, StoreSession, StoreSettlement } from './store.js';

/** The part of a session that executes commands. */
export interface BoundedSession {
  /** As the store's, but refuses at once what is too long. */
  request(command: StoreCommand, settled: (settlement: StoreSettlement) => void): void;
  /** The store's: who uses it looks for refusals first. */
  readonly atomic: AtomicStore | undefined;
  /** Why the store will not be asked; `undefined` where it may be. */
  refusal(command: StoreCommand): StoreSettlement | undefined;
}

/** The session with the limits of its store before it. */
export const boundedSession = (
  session: StoreSession,
  { keyBytesMax, valueBytesMax }: Pick<RespStore, 'keyBytesMax' | 'valueBytesMax'>,
): BoundedSession => {
  const refusal = (command: StoreCommand): StoreSettlement | undefined => {
    let message: string | undefined;
    if (command.key.length > keyBytesMax) {
      message = `KEY_TOO_LONG: the key is longer than the limit of ${keyBytesMax} bytes`;
    } else if ('value' in command && command.value.length > valueBytesMax) {
      message = `VALUE_TOO_LARGE: the value is longer than the limit of ${valueBytesMax} bytes`;
    }
    return message === undefined ? undefined : { tag: 'failed', error: { message } };
  };
  return {
    refusal,
    request: (command, settled) => {
      const refused = refusal(command);
      if (refused === undefined) session.request(command, settled);
      else settled(refused);
    },
    atomic: session.atomic,
  };
};
