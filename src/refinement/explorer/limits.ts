/** When to stop, to report and to write a checkpoint: common to one thread and several. */
import { getHeapStatistics } from 'node:v8';
import type { ExploreOptions, Progress, StopReason } from './exploration.js';

/** Of the heap's limit; above it an exploration stops before the runtime would end the process, which it does when a large map doubles. */
const heapShareMax = 0.75;
/** What the limit allows for objects that are young: they do not help the old ones, which fill up first. */
const youngBytes = 48 * 2 ** 20;
const progressEveryMs = 1_000;
const checkpointEveryMs = 60_000;

/** Watches one exploration from its construction on. */
export class Limits {
  readonly #options: ExploreOptions;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  /** Of the explorations that this one resumes. */
  readonly #earlierSeconds: number;
  #reportedMs: number;
  #checkpointMs: number;

  constructor(options: ExploreOptions, earlierSeconds: number) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#startMs = this.#nowMs();
    this.#earlierSeconds = earlierSeconds;
    this.#reportedMs = this.#startMs;
    this.#checkpointMs = this.#startMs;
  }

  seconds(): number {
    return this.#earlierSeconds + (this.#nowMs() - this.#startMs) / 1_000;
  }

  /** Why to stop now, if there is a reason. */
  stop(distinct: number): StopReason | undefined {
    const { statesMax, timeLimitMs, signal } = this.#options;
    if (signal?.aborted === true) return 'interrupted';
    if (statesMax !== undefined && distinct > statesMax) return 'states';
    if (timeLimitMs !== undefined && this.#nowMs() - this.#startMs >= timeLimitMs) return 'time';
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used > heapShareMax * Math.max(limit - youngBytes, limit / 2) ? 'memory' : undefined;
  }

  report(progress: () => Omit<Progress, 'seconds'>): void {
    const now = this.#nowMs();
    if (this.#options.onProgress === undefined || now - this.#reportedMs < progressEveryMs) return;
    this.#reportedMs = now;
    this.#options.onProgress({ ...progress(), seconds: this.seconds() });
  }

  /** True once for each period of checkpoints. */
  checkpointDue(): boolean {
    const { checkpoint, checkpointEveryMs: every = checkpointEveryMs } = this.#options;
    if (checkpoint === undefined || this.#nowMs() - this.#checkpointMs < every) return false;
    this.#checkpointMs = this.#nowMs();
    return true;
  }
}

/** Whether what was explored so far is worth a checkpoint: what was found false would not be judged again. */
export const canGoOn = (stopped: StopReason | undefined): boolean =>
  stopped !== undefined && stopped !== 'violation' && stopped !== 'fault';
