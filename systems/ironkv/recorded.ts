/** What clients of IronKV ask and are told, recorded in the words of the table's model of linearizability (docs/linearizability.md, `table`). */
import type { Call, HistoryRecorder, Result } from '../../src/refinement/linearizability.js';
import { E, unreachable } from '../../src/spec/prelude.js';
import type { KvStoreClient, RequestError, RequestOptions } from './client.js';
import { type Command, type Outcome, textOfKey, type When } from './commands.js';

const setNames = { always: 'set', absent: 'setIfAbsent', present: 'setIfPresent' } as const;

/** A command as the table's model of linearizability has it; bytes as text, a unit each. */
export const callOf = (command: Command): Call => {
  const key = textOfKey(command.key);
  switch (command.tag) {
    case 'get':
    case 'length':
    case 'delete':
      return { op: command.tag, key, args: [] };
    case 'set':
      return { op: setNames[command.when], key, args: [textOfKey(command.value)] };
    case 'append':
      return { op: 'append', key, args: [textOfKey(command.value)] };
    case 'increment':
      return { op: 'increment', key, args: [command.by] };
    case 'compareAndSet': {
      const old = command.old === null ? null : textOfKey(command.old);
      return { op: 'compareAndSet', key, args: [old, textOfKey(command.value)] };
    }
    default:
      return unreachable(command);
  }
};

/** An outcome as that model has it. */
export const resultOf = (outcome: Outcome): Result => {
  switch (outcome.tag) {
    case 'value':
      return outcome.value === null ? null : textOfKey(outcome.value);
    case 'length':
      return outcome.length;
    case 'done':
      return outcome.done;
    case 'number':
      return outcome.number;
    case 'failed':
      return { error: outcome.error };
    default:
      return unreachable(outcome);
  }
};

type Answer<A> = Promise<E.Either<RequestError, A>>;

const valueText = (value: Uint8Array | null): Result => (value === null ? null : textOfKey(value));

const asItIs = <A extends Result>(result: A): Result => result;

/** A client whose requests are recorded, each of those under way in a lane of its own: a recorder's client asks one thing at a time. */
export class RecordedKvStore {
  readonly #client: KvStoreClient;
  readonly #recorder: HistoryRecorder<Call, Result>;
  readonly #name: string;
  /** Lanes with nothing under way. */
  readonly #free: string[] = [];
  #lanes = 0;

  /** `name` is of this client alone, among those of the recorder. */
  constructor(client: KvStoreClient, recorder: HistoryRecorder<Call, Result>, name: string) {
    this.#client = client;
    this.#recorder = recorder;
    this.#name = name;
  }

  /** As the client's. */
  get(key: Uint8Array, options?: RequestOptions): Answer<Uint8Array | null> {
    return this.#told({ tag: 'get', key }, () => this.#client.get(key, options), valueText);
  }

  /** As the client's. */
  length(key: Uint8Array, options?: RequestOptions): Answer<number | null> {
    return this.#told({ tag: 'length', key }, () => this.#client.length(key, options), asItIs);
  }

  /** As the client's. */
  set(key: Uint8Array, value: Uint8Array, options?: RequestOptions & { readonly when?: When }): Answer<boolean> {
    const command: Command = { tag: 'set', key, value, when: options?.when ?? 'always' };
    return this.#told(command, () => this.#client.set(key, value, options), asItIs);
  }

  /** As the client's. */
  delete(key: Uint8Array, options?: RequestOptions): Answer<boolean> {
    return this.#told({ tag: 'delete', key }, () => this.#client.delete(key, options), asItIs);
  }

  /** As the client's. */
  compareAndSet(key: Uint8Array, old: Uint8Array | null, value: Uint8Array, options?: RequestOptions): Answer<boolean> {
    const command: Command = { tag: 'compareAndSet', key, old, value };
    return this.#told(command, () => this.#client.compareAndSet(key, old, value, options), asItIs);
  }

  /** As the client's. */
  increment(key: Uint8Array, by = 1, options?: RequestOptions): Answer<number> {
    return this.#told({ tag: 'increment', key, by }, () => this.#client.increment(key, by, options), asItIs);
  }

  /** As the client's. */
  append(key: Uint8Array, value: Uint8Array, options?: RequestOptions): Answer<number> {
    return this.#told({ tag: 'append', key, value }, () => this.#client.append(key, value, options), asItIs);
  }

  async #told<A>(command: Command, ask: () => Answer<A>, resultIn: (answer: A) => Result): Answer<A> {
    const lane = this.#free.pop() ?? `${this.#name}.${++this.#lanes}`;
    const id = this.#recorder.call(lane, callOf(command));
    const answer = await ask();
    if (E.isRight(answer)) this.#recorder.returned(id, resultIn(answer.right));
    else if (answer.left.tag === 'Failed') this.#recorder.returned(id, { error: answer.left.error });
    else if (answer.left.known === 'not executed') this.#recorder.failed(id);
    else this.#recorder.gaveUp(id);
    this.#free.push(lane);
    return answer;
  }
}
