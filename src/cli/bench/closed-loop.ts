/** Clients that each keep a number of requests outstanding, each in its own session on its own socket. Made light, so that what is measured is the service. */
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { rsm } from '../systems.js';

/** What the clients ask. */
export interface LoadOptions {
  readonly cluster: string;
  readonly replicas: readonly EndPoint[];
  readonly clients: number;
  /** Requests that each client keeps outstanding, at most `bundleMax`; those that it makes together leave together. */
  readonly bundle: number;
  /** The next request's bytes. */
  readonly request: (client: number, sequence: number) => Uint8Array;
  /** Whether a reply is what the request should get. */
  readonly accept: (reply: Uint8Array) => boolean;
  /** Called for each reply that is accepted. */
  readonly onAnswered?: () => void;
}

/** A client of any system, as a loop needs it. `R` what it asks, `O` how that ends. */
export interface LoopPort<R, O> {
  /** Asks; the id of the request. */
  request(asked: R, timeoutMs: number): number;
  onSettled(callback: (id: number, outcome: O) => void): void;
  onTime(): void;
  close(): Promise<void>;
}

/** What the clients of a loop ask, and how they are opened. */
export interface LoopOptions<R, O> {
  readonly clients: number;
  readonly bundle: number;
  /** Opens a client on a socket of its own. `Left`: one sentence. */
  readonly openPort: () => Promise<E.Either<string, LoopPort<R, O>>>;
  readonly request: (client: number, sequence: number) => R;
  readonly accept: (outcome: O) => boolean;
  readonly onAnswered?: (() => void) | undefined;
}

/** The window of a session, all of which may be outstanding. */
export const bundleMax = rsm.defaultParameters.sessionWindow;

const requestTimeoutMs = 10_000;

/** How often clients are asked whether they want to try again. */
const tickMs = 20;

/** Percentiles come from at most this many latencies. */
const latenciesMax = 4_000_000;

interface Slot<R, O> {
  readonly port: LoopPort<R, O>;
  /** When the outstanding requests were made, by id. A client's ids lie within its session's window of each other. */
  readonly startedAt: Float64Array;
  sequence: number;
}

/** What was measured between `start` and `stop`. */
export interface LoadResult {
  readonly seconds: number;
  readonly answered: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const percentile = (sorted: Float64Array, share: number): number =>
  sorted.length === 0 ? 0 : (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number);

/** A closed loop of many clients. */
export class ClosedLoop<R, O> {
  readonly #options: LoopOptions<R, O>;
  readonly #slots: Slot<R, O>[] = [];
  readonly #latencies = new Float64Array(latenciesMax);
  #answered = 0;
  #errors = 0;
  #measuring = false;
  #stopping = false;
  #startedAt = 0;
  #ticker: NodeJS.Timeout | undefined;

  private constructor(options: LoopOptions<R, O>) {
    this.#options = options;
  }

  /** A loop of clients of IronRSM, as `over`. */
  static open(options: LoadOptions): Promise<ClosedLoop<Uint8Array, rsm.Outcome>> {
    const { cluster, replicas, clients, bundle, request, accept, onAnswered } = options;
    return ClosedLoop.over<Uint8Array, rsm.Outcome>({
      openPort: () => rsm.ClientPort.open({ cluster, replicas, datagramBytesMax: 8192 }),
      accept: (outcome) => outcome.tag === 'reply' && accept(outcome.value),
      ...{ clients, bundle, request, onAnswered },
    });
  }

  /** Opens the sockets and starts asking. Throws where a socket cannot be opened. */
  static async over<R, O>(options: LoopOptions<R, O>): Promise<ClosedLoop<R, O>> {
    if (options.bundle > bundleMax) throw new RangeError(`a session has at most ${bundleMax} requests outstanding`);
    const loop = new ClosedLoop<R, O>(options);
    for (let i = 0; i < options.clients; i++) await loop.#add(i);
    loop.#ticker = setInterval(() => {
      for (const slot of loop.#slots) slot.port.onTime();
    }, tickMs);
    for (let i = 0; i < options.clients; i++) {
      for (let n = 0; n < options.bundle; n++) loop.#ask(i);
    }
    return loop;
  }

  /** Starts to count: what came before was warm-up. */
  measure(): void {
    this.#answered = 0;
    this.#errors = 0;
    this.#startedAt = performance.now();
    this.#measuring = true;
  }

  /** How many requests were answered since `measure`. */
  get answered(): number {
    return this.#answered;
  }

  /** Stops counting; what was counted. The clients go on until `close`. */
  result(): LoadResult {
    this.#measuring = false;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const sorted = this.#latencies.slice(0, Math.min(this.#answered, latenciesMax)).sort();
    return {
      seconds,
      answered: this.#answered,
      errors: this.#errors,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
    };
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#ticker);
    await Promise.all(this.#slots.map((slot) => slot.port.close()));
  }

  async #add(i: number): Promise<void> {
    const opened = await this.#options.openPort();
    if (E.isLeft(opened)) throw new Error(opened.left);
    const port = opened.right;
    this.#slots.push({ port, startedAt: new Float64Array(2 * bundleMax), sequence: 0 });
    port.onSettled((id, outcome) => this.#settled(i, id, outcome));
  }

  #ask(i: number): void {
    const { port, startedAt, sequence } = this.#slots[i] as Slot<R, O>;
    (this.#slots[i] as Slot<R, O>).sequence = sequence + 1;
    const now = performance.now();
    const id = port.request(this.#options.request(i, sequence), requestTimeoutMs);
    startedAt[id % startedAt.length] = now;
  }

  #settled(i: number, id: number, outcome: O): void {
    const accepted = this.#options.accept(outcome);
    if (accepted) this.#options.onAnswered?.();
    if (this.#measuring) this.#count(this.#slots[i] as Slot<R, O>, id, accepted);
    if (!this.#stopping) this.#ask(i);
  }

  #count({ startedAt }: Slot<R, O>, id: number, accepted: boolean): void {
    if (!accepted) {
      this.#errors++;
      return;
    }
    if (this.#answered < latenciesMax) {
      this.#latencies[this.#answered] = performance.now() - (startedAt[id % startedAt.length] as number);
    }
    this.#answered++;
  }
}
