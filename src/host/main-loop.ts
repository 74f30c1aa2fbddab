/**
 * The main loop of a node: one host step after the other, each judged before its packets leave (IronFleet, SOSP 2015,
 * section 3.5, figure 8). The judge is handed in: this layer knows no protocol.
 */
import type { Journal } from '../network/journal.js';
import { PhaseError, type StepRecord } from '../network/step-io.js';
import type { Violation } from '../spec/check.js';
import { E } from '../spec/prelude.js';
import type { Host } from './host.js';

/** The part of a step's IO that the loop alone uses. */
export interface LoopIo<M, W> {
  begin(step: number): Parameters<Host<M, W>['next']>[0];
  finish(): StepRecord<W>;
}

/** Where released packets go, and whether packets wait. */
export interface LoopTransport {
  readonly pending: number;
  send(target: StepSend['target'], bytes: Uint8Array): void;
  flush(): void;
}

type StepSend = Extract<StepRecord<unknown>['events'][number], { tag: 'send' }>;

/** Judges one step, as the host left it. `Right` lets its packets leave. */
export type StepJudge<W> = (record: StepRecord<W>) => E.Either<Violation, unknown>;

/** Time as the loop needs it: a clock in whole milliseconds, and a way to be called. Both are virtual in simulation. */
export interface LoopTime {
  nowMs(): number;
  /** Calls back after pending IO was taken in. */
  soon(callback: () => void): void;
  /** Calls back at or after `timeMs`; the result cancels it. */
  at(timeMs: number, callback: () => void): () => void;
}

/** Everything that a loop runs on. */
export interface LoopParts<M, W> {
  readonly host: Host<M, W>;
  readonly io: LoopIo<M, W>;
  readonly transport: LoopTransport;
  readonly journal: Journal<W>;
  readonly time: LoopTime;
  readonly judge: StepJudge<W>;
  /** Writes a step that passed to a lasting journal, before its packets leave. Throwing stops the node, and nothing of the step leaves. */
  readonly keep?: ((record: StepRecord<W>) => void) | undefined;
  /** Called once, when a step was refused: the loop has stopped and nothing of that step has left or will leave. */
  readonly onViolation: (violation: Violation, record: StepRecord<W> | undefined) => void;
}

/** Runs the steps of one host. */
export class MainLoop<M, W> {
  readonly #parts: LoopParts<M, W>;
  #step = 0;
  #stopped = false;
  #soon = false;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(parts: LoopParts<M, W>) {
    this.#parts = parts;
  }

  /** Steps that were begun in this incarnation. */
  get steps(): number {
    return this.#step;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Asks for a step: packets came in, or the node starts. */
  readonly wake = (): void => {
    if (this.#soon || this.#stopped) return;
    this.#soon = true;
    this.#parts.time.soon(this.#run);
  };

  /** Takes no further step. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #run = (): void => {
    this.#soon = false;
    if (this.#stopped) return;
    this.step();
    if (!this.#stopped) this.#sleep();
  };

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (this.#stopped) return;
    // A timer that was armed for an earlier wish of the host is no reason for a step.
    if (this.#parts.host.wakeAtMs() <= this.#parts.time.nowMs()) this.wake();
    else this.#sleep();
  };

  #sleep(): void {
    const wakeAtMs = this.#parts.host.wakeAtMs();
    if (this.#parts.transport.pending > 0 || wakeAtMs <= this.#parts.time.nowMs()) {
      this.wake();
      return;
    }
    if (wakeAtMs === Infinity || (this.#timer !== undefined && this.#timer.atMs <= wakeAtMs)) return;
    this.#timer?.cancel();
    this.#timer = { atMs: wakeAtMs, cancel: this.#parts.time.at(wakeAtMs, this.#onTimer) };
  }

  /** One host step, judged, then released. Called by the loop itself and by tests. */
  step(): void {
    const { host, io, journal, judge } = this.#parts;
    this.#step++;
    let record: StepRecord<W> | undefined;
    try {
      host.next(io.begin(this.#step));
      record = io.finish();
      journal.append(record);
    } catch (error) {
      this.#refuse(thrown(error), record);
      return;
    }
    const verdict = this.#judged(judge, record);
    const kept = E.isLeft(verdict) ? verdict : this.#kept(record);
    if (E.isLeft(kept)) this.#refuse(kept.left, record);
    else this.#release(record);
  }

  #kept(record: StepRecord<W>): E.Either<Violation, unknown> {
    try {
      this.#parts.keep?.(record);
      return passed;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const rule = 'a step is in the journal before its packets leave';
      return E.left({ code: 'JOURNAL_NOT_WRITTEN', rule, evidence: { message } });
    }
  }

  #judged(judge: StepJudge<W>, record: StepRecord<W>): E.Either<Violation, unknown> {
    try {
      return judge(record);
    } catch (error) {
      // A judge that cannot finish has not passed the step.
      return E.left({ ...thrown(error), code: 'JUDGE_THREW', rule: 'the judge reaches a verdict on every step' });
    }
  }

  #refuse(violation: Violation, record: StepRecord<W> | undefined): void {
    this.stop();
    this.#parts.onViolation(violation, record);
  }

  #release(record: StepRecord<W>): void {
    const { transport } = this.#parts;
    let any = false;
    for (const event of record.events) {
      if (event.tag !== 'send') continue;
      transport.send(event.target, event.bytes);
      any = true;
    }
    if (any) transport.flush();
  }
}

const passed = E.right(undefined);

const thrown = (error: unknown): Violation => {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof PhaseError) {
    return {
      code: 'REDUCTION_OBLIGATION',
      rule: 'a host step receives, then reads the clock or times out at most once, then sends',
      evidence: { message },
    };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: 'HOST_THREW', rule: 'a host step ends without an exception', evidence: { message, stack } };
};
