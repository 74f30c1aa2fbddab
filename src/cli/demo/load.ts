/** Clients that increment and write until they are told to stop, and note in a ledger what they were told. */

import { type Call, HistoryRecorder, type Result } from '../../refinement/linearizability.js';
import { E } from '../../spec/prelude.js';
import type { GapRecorder } from '../cluster/leader.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import { rsm } from '../systems.js';
import type { Ledger } from './ledger.js';

const counters = 16;

/** Longer than any view change, so that few outcomes stay unknown. */
const timeoutMs = 5000;

const openClient = async (cluster: ProcessCluster): Promise<rsm.RsmClient> => {
  const client = await rsm.RsmClient.open({ cluster: cluster.name, replicas: cluster.replicas });
  if (E.isLeft(client)) throw new Error(client.left);
  return client.right;
};

/** Some clients under way. */
export class DemoLoad {
  readonly #cluster: ProcessCluster;
  readonly #ledger: Ledger;
  readonly #gaps: GapRecorder;
  /** What every client asked and was told. */
  readonly history: HistoryRecorder<Call, Result>;
  #running = true;
  #done: Promise<unknown> = Promise.resolve();

  /** Whoever makes it starts it. */
  constructor(cluster: ProcessCluster, ledger: Ledger, gaps: GapRecorder) {
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#gaps = gaps;
    this.history = new HistoryRecorder(() => performance.now() * 1e6);
  }

  /** Starts `clients` clients. */
  start(clients: number): void {
    this.#done = Promise.all(Array.from({ length: clients }, (_, i) => this.#client(i)));
  }

  /** Lets each client finish its request, and waits for that. Throws what a client threw. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #client(i: number): Promise<void> {
    const client = await openClient(this.#cluster);
    const kv = new rsm.KvClient(client);
    for (let n = 1; this.#running; n++) {
      // Two increments of a shared key, then one write of an own one.
      if (n % 3 === 0) {
        const key = `note-${i}`;
        const value = Buffer.from(String(n));
        const known = await this.#told(i, { op: 'set', key, args: [String(n)] }, async () => {
          return E.map(() => null)(await kv.set(Buffer.from(key), value, { timeoutMs }));
        });
        this.#ledger.wrote(key, n, known);
      } else {
        const key = `count-${(i * 5 + n) % counters}`;
        const incr = () => kv.incr(Buffer.from(key), { timeoutMs });
        this.#ledger.incremented(key, await this.#told(i, { op: 'incr', key, args: [] }, incr));
      }
    }
    await client.close();
  }

  /** Records a request of client `i`, and says whether its outcome is known. */
  async #told(i: number, call: Call, request: () => Promise<E.Either<rsm.CommandError, Result>>): Promise<boolean> {
    const id = this.history.call(`client ${i}`, call);
    const answer = await request();
    const known = this.#known(answer);
    if (E.isRight(answer)) this.history.returned(id, answer.right);
    else this.history.gaveUp(id);
    return known;
  }

  #known<A>(answer: E.Either<rsm.CommandError, A>): boolean {
    if (E.isRight(answer)) {
      this.#gaps.answered();
      return true;
    }
    // What was certainly not executed counts as unknown too: that a contradiction cannot come from.
    if (!('known' in answer.left) || answer.left.tag === 'TooLarge') throw new Error(answer.left.message);
    return false;
  }
}

/** The number under each key, 0 where there is none, asked for in `history` too. Throws where the service does not answer. */
export const readBack = async (
  cluster: ProcessCluster,
  keys: readonly string[],
  history: HistoryRecorder<Call, Result>,
): Promise<ReadonlyMap<string, number>> => {
  const client = await openClient(cluster);
  const kv = new rsm.KvClient(client);
  const found = new Map<string, number>();
  for (const key of keys) {
    const id = history.call('reader', { op: 'get', key, args: [] });
    const value = await kv.get(Buffer.from(key), { timeoutMs });
    if (E.isLeft(value)) throw new Error(`"${key}" could not be read back: ${value.left.message}`);
    const text = value.right === null ? null : Buffer.from(value.right).toString();
    history.returned(id, text);
    found.set(key, Number(text ?? 0));
  }
  await client.close();
  return found;
};
