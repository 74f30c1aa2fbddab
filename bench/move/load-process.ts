/**
 * A load on IronKV in a process of its own, started by `bench/move.ts`: an open loop, which sends at its rate whether answers
 * come or not, so that a host that stops for a moment delays all that is sent meanwhile. Seven of eight requests read a key and
 * check its value; the eighth increments a counter, so that a request executed twice or lost would show in the sums.
 */
import { E } from '../../src/spec/prelude.js';
import { KvStoreClient } from '../../systems/ironkv/index.js';
import {
  type Answer,
  expectedValue,
  type FromParent,
  type LoadOptions,
  type LoadTotals,
  type TargetOptions,
  type WindowResult,
} from './messages.js';

/** Between two looks at what is due, at least. */
const tickMs = 1;

const timeoutMs = 20_000;

/** What was sent in one period, and how long the answers took. */
class Window {
  readonly latenciesMs: number[] = [];
  #outstanding = 0;
  #closed: (() => void) | undefined;

  sent(): void {
    this.#outstanding++;
  }

  answered(latencyMs: number): void {
    this.latenciesMs.push(latencyMs);
    this.#outstanding--;
    if (this.#outstanding === 0) this.#closed?.();
  }

  /** Resolves when all that was sent is answered. */
  async settled(): Promise<void> {
    if (this.#outstanding > 0) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
      });
    }
  }

  result(): WindowResult {
    const sorted = this.latenciesMs.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { requests: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}

/** The requests to one set of keys. */
class Target {
  readonly name: string;
  readonly #options: TargetOptions;
  readonly #client: KvStoreClient;
  readonly #increments: number[];
  readonly #mistakes: string[] = [];
  #window = new Window();
  #errors = 0;
  #sent = 0;
  #startedAt = performance.now();

  constructor(options: TargetOptions, client: KvStoreClient) {
    this.name = options.name;
    this.#options = options;
    this.#client = client;
    this.#increments = options.counters.map(() => 0);
  }

  /** Sends what is due by now. */
  tick(): void {
    const due = Math.floor(((performance.now() - this.#startedAt) * this.#options.ratePerSecond) / 1000);
    while (this.#sent < due) void this.#request(this.#sent++);
  }

  /** Begins a window; the result of the one that ends. */
  async cut(): Promise<WindowResult> {
    const window = this.#window;
    this.#window = new Window();
    await window.settled();
    return window.result();
  }

  /** Waits for all answers; what there was. */
  async close(): Promise<LoadTotals> {
    await this.#window.settled();
    await this.#client.close();
    return { errors: this.#errors, mistakes: this.#mistakes, increments: this.#increments };
  }

  async #request(n: number): Promise<void> {
    const { keys, counters, keyPrefix } = this.#options;
    const window = this.#window;
    window.sent();
    const from = performance.now();
    if (n % 8 === 7) {
      const i = Math.floor(n / 8) % counters.length;
      const answer = await this.#client.increment(Buffer.from(counters[i] as string), 1, { timeoutMs });
      window.answered(performance.now() - from);
      if (E.isLeft(answer)) this.#wrong(`${counters[i]}: ${answer.left.message}`);
      else (this.#increments[i] as number)++;
      return;
    }
    // A prime stride, so that the keys are not walked in the order in which they move.
    const key = `${keyPrefix}${String((n * 7919) % keys).padStart(7, '0')}`;
    const answer = await this.#client.get(Buffer.from(key), { timeoutMs });
    window.answered(performance.now() - from);
    if (E.isLeft(answer)) this.#wrong(`${key}: ${answer.left.message}`);
    else if (answer.right === null || !expectedValue(key).equals(answer.right))
      this.#wrong(`${key} holds another value`);
  }

  #wrong(what: string): void {
    this.#errors++;
    if (this.#mistakes.length < 3) this.#mistakes.push(what);
  }
}

const openTarget = async (options: TargetOptions, load: LoadOptions): Promise<Target> => {
  const client = await KvStoreClient.open({ cluster: load.cluster, hosts: load.hosts, datagramBytesMax: 8192 });
  if (E.isLeft(client)) throw new Error(client.left);
  return new Target(options, client.right);
};

const byName = async <A>(targets: readonly Target[], of: (target: Target) => Promise<A>): Promise<Record<string, A>> =>
  Object.fromEntries(await Promise.all(targets.map(async (target) => [target.name, await of(target)] as const)));

const tell = (answer: Answer): void => {
  process.send?.(answer);
};

const run = async (load: LoadOptions): Promise<void> => {
  const targets = await Promise.all(load.targets.map((target) => openTarget(target, load)));
  const timer = setInterval(() => {
    for (const target of targets) target.tick();
  }, tickMs);
  process.on('message', (message: FromParent) => {
    if (message.tag === 'cut') {
      void byName(targets, (target) => target.cut()).then((windows) => tell({ tag: 'windows', windows }));
    } else if (message.tag === 'stop') {
      clearInterval(timer);
      void byName(targets, (target) => target.close()).then((totals) => {
        tell({ tag: 'totals', totals });
        process.disconnect();
      });
    }
  });
  tell({ tag: 'ready' });
};

process.on('disconnect', () => process.exit());
process.once('message', (message: FromParent) => {
  if (message.tag === 'start') void run(message.load);
});
