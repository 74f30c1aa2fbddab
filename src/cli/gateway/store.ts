/** What a gateway of the Redis protocol asks of the store behind it. */

/** One operation on one key. Bytes must not change until it settles. */
export type StoreCommand =
  | { readonly tag: 'get'; readonly key: Uint8Array }
  | { readonly tag: 'length'; readonly key: Uint8Array }
  | {
      readonly tag: 'set';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly when: 'always' | 'absent' | 'present';
    }
  | { readonly tag: 'delete'; readonly key: Uint8Array }
  | {
      readonly tag: 'compareAndSet';
      readonly key: Uint8Array;
      readonly old: Uint8Array | null;
      readonly value: Uint8Array;
    }
  | { readonly tag: 'increment'; readonly key: Uint8Array; readonly by: number }
  | { readonly tag: 'append'; readonly key: Uint8Array; readonly value: Uint8Array };

/** Why an executed command changed nothing. */
export type StoreFailure = 'NOT_AN_INTEGER' | 'OUT_OF_RANGE' | 'VALUE_TOO_LARGE' | 'REPLY_TOO_LARGE';

/** What a command did or found. */
export type StoreOutcome =
  | { readonly tag: 'value'; readonly value: Uint8Array | null }
  | { readonly tag: 'length'; readonly length: number | null }
  | { readonly tag: 'done'; readonly done: boolean }
  | { readonly tag: 'number'; readonly number: number }
  | { readonly tag: 'failed'; readonly error: StoreFailure };

/** How a command ended. */
export type StoreSettlement =
  | { readonly tag: 'outcome'; readonly outcome: StoreOutcome }
  | { readonly tag: 'failed'; readonly error: { readonly message: string } };

/** What a store can do that executes more than one operation at one moment. Settles as `request` does. */
export interface AtomicStore {
  /** Executes `commands` in order, and nothing of others in between; their ends in the same order. */
  all(commands: readonly StoreCommand[], settled: (settlements: readonly StoreSettlement[]) => void): void;
  /** Stores `value`; the outcome is the value before. */
  swap(key: Uint8Array, value: Uint8Array, settled: (settlement: StoreSettlement) => void): void;
}

/** Commands of one connection, executed in the order in which they were asked. */
export interface StoreSession {
  /** Calls `settled` once, later than this call, or never after `close`. */
  request(command: StoreCommand, settled: (settlement: StoreSettlement) => void): void;
  /** Absent where the store executes one operation at a time. */
  readonly atomic?: AtomicStore;
  /** All keys; `undefined` where that cannot be found out now. */
  countKeys(): Promise<number | undefined>;
  close(): void;
}

/** A store with a gateway before it. */
export interface RespStore {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  session(): StoreSession;
  /** Bytes of the value at `key` as far as this process knows, or `undefined`: how much room an answer will probably need. */
  sizeOf(key: Uint8Array): number | undefined;
  close(): Promise<void>;
}
