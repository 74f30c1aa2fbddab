/** A port with a timer of its own, which hands each outcome to who asked: what the clients that programs use are made of. */
import { monotonicNowMs } from '../host/real-time.js';

/** A port as its timer needs it; `SessionPort` is one. */
export interface TimedPort<A, O> {
  readonly wakeAtMs: number;
  request(asked: A, timeoutMs: number): number;
  onTime(): void;
  onSettled(callback: (id: number, outcome: O) => void): void;
  onWake(callback: () => void): void;
  close(): Promise<void>;
}

/** One client, its socket and its timer. `A` what is asked, `O` how that ends. */
export class TimedClient<A, O> {
  readonly #port: TimedPort<A, O>;
  readonly #settles = new Map<number, (outcome: O) => void>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #closed = false;

  /** Takes over `port`. */
  constructor(port: TimedPort<A, O>) {
    this.#port = port;
    port.onSettled((id, outcome) => {
      const settle = this.#settles.get(id);
      this.#settles.delete(id);
      settle?.(outcome);
    });
    port.onWake(this.#arm);
  }

  /** Whether it was closed: nothing may be asked any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Asks; `settle` is called once, later than this call and at the latest `timeoutMs` from now. */
  ask(asked: A, timeoutMs: number, settle: (outcome: O) => void): void {
    this.#settles.set(this.#port.request(asked, timeoutMs), settle);
    this.#arm();
  }

  /** Closes the socket; what is unanswered settles as closed. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#port.close();
  }

  // An armed timer that fires too early costs less than one that is moved with every request.
  readonly #arm = (): void => {
    const { wakeAtMs } = this.#port;
    if (wakeAtMs >= this.#timerAtMs || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = wakeAtMs;
    this.#timer = setTimeout(this.#onTimer, Math.max(wakeAtMs - monotonicNowMs(), 1));
  };

  readonly #onTimer = (): void => {
    this.#timerAtMs = Infinity;
    if (this.#closed) return;
    this.#port.onTime();
    this.#arm();
  };
}
