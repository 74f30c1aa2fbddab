/** Records what clients asked and what they were told, in a simulation or in the real world. */
import type { RecordedHistory } from './history.js';
import { type WrittenOperation, writeJsonHistory } from './json.js';
import type { Operation } from './model.js';
import type { Call, Result } from './value.js';

/** A call under way, of the recorder that gave it. */
export type CallId = number & { readonly CallId: unique symbol };

interface Recorded<Op, Out> {
  readonly client: string;
  readonly op: Op;
  readonly call: number;
  returned: number | undefined;
  outcome: 'ok' | 'fail' | 'unknown';
  output: Out | undefined;
  effect: number | undefined;
  /** The latest time at which it can have taken effect; its return alone says so where this is undefined. */
  effectBy: number | undefined;
}

const earlier = (returned: number, effectBy: number | undefined): number => Math.min(returned, effectBy ?? returned);

/**
 * Collects calls and returns in the order in which it is told of them: tell it of a call before the request leaves, and of a
 * return after the answer came. What never returns stays open for ever.
 */
export class HistoryRecorder<Op, Out> {
  readonly #nowNs: () => number;
  readonly #recorded: Recorded<Op, Out>[] = [];
  /** Calls under way, by client. */
  readonly #open = new Map<string, CallId>();
  #lastNs = Number.NEGATIVE_INFINITY;

  /** `nowNs` gives nanoseconds since some start. Events that it gives one time are still kept in their order. */
  constructor(nowNs: () => number) {
    this.#nowNs = nowNs;
  }

  /** `client` asks. Throws where its last call is still under way. */
  call(client: string, op: Op): CallId {
    if (this.#open.has(client)) throw new Error(`client ${client} has a call under way`);
    const id = this.#recorded.length as CallId;
    this.#open.set(client, id);
    this.#recorded.push({
      client,
      op,
      call: this.#tick(),
      returned: undefined,
      outcome: 'unknown',
      output: undefined,
      effect: undefined,
      effectBy: undefined,
    });
    return id;
  }

  /** The answer came. */
  returned(id: CallId, output: Out): void {
    const recorded = this.#close(id);
    recorded.outcome = 'ok';
    recorded.output = output;
  }

  /** It is certain that the operation did not happen, and never will. */
  failed(id: CallId): void {
    this.#close(id).outcome = 'fail';
  }

  /** The client gave up; the operation may still happen. */
  gaveUp(id: CallId): void {
    this.#close(id);
  }

  /** A guess, by somebody who sees more than the client: the operation took effect at `place` among those that have one. The last guess counts. */
  tookEffect(id: CallId, place: number): void {
    const recorded = this.#recorded[id];
    if (recorded !== undefined) recorded.effect = place;
  }

  /**
   * The operation, if it ever returns, had taken effect by the last event: something behind it in an order that was promised returned
   * then. The first such time counts.
   */
  tookEffectByNow(id: CallId): void {
    const recorded = this.#recorded[id];
    if (recorded !== undefined) recorded.effectBy ??= this.#lastNs;
  }

  /** The history so far, for `checkLinearizability`. */
  operations(): readonly Operation<Op, Out>[] {
    return this.#recorded
      .filter((r) => r.outcome !== 'fail')
      .map(({ client, op, call, returned, output, effectBy }) => {
        const answered = returned !== undefined && output !== undefined;
        return { client, op, call, answer: answered ? { time: earlier(returned, effectBy), output } : undefined };
      });
  }

  /** Every operation, for `jsonHistory`. */
  recorded(): readonly Readonly<Recorded<Op, Out>>[] {
    return this.#recorded;
  }

  #close(id: CallId): Recorded<Op, Out> {
    const recorded = this.#recorded[id];
    if (recorded === undefined || this.#open.get(recorded.client) !== id)
      throw new Error(`call ${id} is not under way`);
    this.#open.delete(recorded.client);
    recorded.returned = this.#tick();
    return recorded;
  }

  #tick(): number {
    this.#lastNs = Math.max(Math.round(this.#nowNs()), this.#lastNs + 1);
    return this.#lastNs;
  }
}

const writtenOf = (recorder: HistoryRecorder<Call, Result>): readonly WrittenOperation[] =>
  recorder.recorded().map(({ client, op, call, returned, outcome, output, effect, effectBy }) => ({
    client,
    call: op,
    calledAt: call,
    answer:
      returned === undefined || output === undefined
        ? undefined
        : { time: earlier(returned, effectBy), result: output },
    line: undefined,
    returned,
    outcome,
    ...(effect === undefined ? {} : { effect }),
  }));

/** What was recorded, for `judgeByName`. */
export const recordedHistory = (recorder: HistoryRecorder<Call, Result>): RecordedHistory => {
  const written = writtenOf(recorder);
  const operations = written.filter((o) => o.outcome !== 'fail');
  return { model: undefined, operations, failed: written.length - operations.length, absentReadsEmpty: false };
};

/** What was recorded as the text of a file that `ironkeel lincheck` reads; with the longest value, where that is not IronKV's default. */
export const jsonHistory = (
  recorder: HistoryRecorder<Call, Result>,
  model: string,
  limits: Pick<RecordedHistory, 'valueBytesMax'> = {},
): string => writeJsonHistory(model, writtenOf(recorder), limits);
