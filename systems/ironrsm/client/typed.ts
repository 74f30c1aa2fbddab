/** Clients that speak the language of an application: key-value and counter. */
import { badArgument } from '../../../src/client/failure.js';
import { E } from '../../../src/spec/prelude.js';
import { decodeCount } from '../applications/counter.js';
import {
  allCommandsMax,
  decodeReply,
  encodeCommand,
  type KvCommand,
  type KvError,
  type KvKeyCommand,
  type KvKeyReply,
  type KvReply,
  keyBytesMax,
  valueBytesMax,
} from '../applications/kv.js';
import { type ClientError, tooLarge } from './outcome.js';

/** What typed clients need of a client. */
export interface Requester {
  request(value: Uint8Array, options?: RequestOptions): Promise<E.Either<ClientError, Uint8Array>>;
}

/** How long a request may take before its outcome is reported as unknown. */
export interface RequestOptions {
  readonly timeoutMs?: number;
}

/** The service answered, with a refusal of the application by name. Nothing was changed. */
export interface ApplicationError {
  readonly tag: 'Application';
  readonly message: string;
  readonly error: KvError | 'UNREADABLE_REPLY';
}

/** Why a command of an application has no result. */
export type CommandError = ClientError | ApplicationError;

type Result<A> = Promise<E.Either<CommandError, A>>;

const sentences: Readonly<Record<KvError | 'UNREADABLE_REPLY', string>> = {
  MALFORMED: 'the replicas could not read the command; is this a cluster of the application kv?',
  NOT_AN_INTEGER: 'the value is not a decimal integer; it was not changed',
  OUT_OF_RANGE: 'the value or the sum leaves the safe integers; it was not changed',
  VALUE_TOO_LARGE: 'the result would be longer than a value may be; the value was not changed',
  REPLY_TOO_LARGE: 'what the commands read together is more than one reply takes; none was executed',
  UNREADABLE_REPLY: 'the reply is not one of this application; does the cluster run another one?',
};

const refused = (error: ApplicationError['error']): E.Either<CommandError, never> =>
  E.left({ tag: 'Application', message: `${error}: ${sentences[error]}`, error });

/** The values in a command. */
const valuesIn = (command: KvKeyCommand): readonly Uint8Array[] => {
  if (command.tag === 'cas') return command.old === null ? [command.new] : [command.old, command.new];
  return 'value' in command ? [command.value] : [];
};

const commandsIn = (command: KvCommand): readonly KvKeyCommand[] => {
  if (command.tag === 'all') return command.commands;
  return command.tag === 'size' ? [] : [command];
};

/** Whether all parts of a command that have a bound keep it. */
const withinBounds = (command: KvCommand): boolean => {
  const commands = commandsIn(command);
  return (
    commands.length <= allCommandsMax &&
    commands.every((c) => c.key.length <= keyBytesMax && valuesIn(c).every((v) => v.length <= valueBytesMax))
  );
};

const keyCommandProblem = (command: KvKeyCommand): string | undefined => {
  const isBytes = [command.key, ...valuesIn(command)].every((bytes) => bytes instanceof Uint8Array);
  if (!isBytes) return 'keys and values are Uint8Arrays';
  if (command.tag === 'add' && !Number.isSafeInteger(command.by))
    return 'what is added is an integer within ±(2^53 - 1)';
  if (command.tag === 'setIf' && command.when !== 'absent' && command.when !== 'present')
    return 'a value is set where it is absent, or where it is present';
  return undefined;
};

/** Why `command` is none, whatever its size, if so: what the types do not rule out, or a caller without types. */
const problemOf = (command: KvCommand): string | undefined => {
  for (const one of commandsIn(command)) {
    const problem = keyCommandProblem(one);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** Bytes of a command's keys and values. */
const bytesOf = (command: KvCommand): number =>
  commandsIn(command).reduce(
    (sum, c) => sum + c.key.length + valuesIn(c).reduce((bytes, value) => bytes + value.length, 0),
    0,
  );

/** Byte strings by key. Each call is one operation; none is executed more than once. */
export class KvClient {
  readonly #client: Requester;

  /** Uses `client`, which the caller closes. */
  constructor(client: Requester) {
    this.#client = client;
  }

  /** The value of `key`, `null` where there is none. */
  get(key: Uint8Array, options?: RequestOptions): Result<Uint8Array | null> {
    return this.#ask({ tag: 'get', key }, 'value', (r) => r.value, options);
  }

  /** Stores `value` under `key`. */
  set(key: Uint8Array, value: Uint8Array, options?: RequestOptions): Result<void> {
    return this.#ask({ tag: 'set', key, value }, 'ok', () => undefined, options);
  }

  /** Removes `key`; says whether it was there. */
  del(key: Uint8Array, options?: RequestOptions): Result<boolean> {
    return this.#ask({ tag: 'del', key }, 'done', (r) => r.done, options);
  }

  /** Stores `value` if `key` holds `old` (`null`: nothing); says whether it did. */
  cas(key: Uint8Array, old: Uint8Array | null, value: Uint8Array, options?: RequestOptions): Result<boolean> {
    return this.#ask({ tag: 'cas', key, old, new: value }, 'done', (r) => r.done, options);
  }

  /** Adds one to the decimal integer under `key` (absent counts as 0); the new number. */
  incr(key: Uint8Array, options?: RequestOptions): Result<number> {
    return this.#ask({ tag: 'incr', key }, 'number', (r) => r.number, options);
  }

  /** Adds `by` to the decimal integer under `key` (absent counts as 0); the sum. */
  add(key: Uint8Array, by: number, options?: RequestOptions): Result<number> {
    // A sum may come out as -0, which messages do not know.
    return this.#ask({ tag: 'add', key, by: by + 0 }, 'number', (r) => r.number, options);
  }

  /** The length of the value of `key` in bytes, `null` where there is none. */
  length(key: Uint8Array, options?: RequestOptions): Result<number | null> {
    return this.#ask({ tag: 'length', key }, 'length', (r) => r.length, options);
  }

  /** Stores `value` only if `key` is absent, or only if it is present; says whether it did. */
  setIf(key: Uint8Array, value: Uint8Array, when: 'absent' | 'present', options?: RequestOptions): Result<boolean> {
    return this.#ask({ tag: 'setIf', key, value, when }, 'done', (r) => r.done, options);
  }

  /** Stores `value` under `key`; the value before, `null` where there was none. */
  swap(key: Uint8Array, value: Uint8Array, options?: RequestOptions): Result<Uint8Array | null> {
    return this.#ask({ tag: 'swap', key, value }, 'value', (r) => r.value, options);
  }

  /** Appends `value` to that of `key`; the length of the result in bytes. */
  append(key: Uint8Array, value: Uint8Array, options?: RequestOptions): Result<number> {
    return this.#ask({ tag: 'append', key, value }, 'number', (r) => r.number, options);
  }

  /** Executes `commands` in order, and nothing else in between; the reply to each. */
  all(commands: readonly KvKeyCommand[], options?: RequestOptions): Result<readonly KvKeyReply[]> {
    return this.#ask({ tag: 'all', commands }, 'all', (r) => r.replies, options);
  }

  /** The number of keys. */
  size(options?: RequestOptions): Result<number> {
    return this.#ask({ tag: 'size' }, 'number', (r) => r.number, options);
  }

  async #ask<T extends KvReply['tag'], A>(
    command: KvCommand,
    tag: T,
    result: (reply: Extract<KvReply, { tag: T }>) => A,
    options: RequestOptions | undefined,
  ): Result<A> {
    const problem = problemOf(command);
    if (problem !== undefined) return E.left(badArgument(problem));
    if (!withinBounds(command)) return E.left(tooLarge(bytesOf(command)));
    const answer = await this.#client.request(encodeCommand(command), options);
    if (E.isLeft(answer)) return answer;
    const decoded = decodeReply(answer.right);
    if (E.isLeft(decoded)) return refused('UNREADABLE_REPLY');
    const reply = decoded.right;
    if (reply.tag === 'error') return refused(reply.error);
    if (reply.tag !== tag) return refused('UNREADABLE_REPLY');
    return E.right(result(reply as Extract<KvReply, { tag: T }>));
  }
}

/** The counter. */
export class CounterClient {
  readonly #client: Requester;

  /** Uses `client`, which the caller closes. */
  constructor(client: Requester) {
    this.#client = client;
  }

  /** Adds one; the new count. */
  async increment(options?: RequestOptions): Result<number> {
    const answer = await this.#client.request(new Uint8Array(0), options);
    if (E.isLeft(answer)) return answer;
    const count = decodeCount(answer.right);
    return E.isLeft(count) ? refused('UNREADABLE_REPLY') : E.right(count.right);
  }
}
