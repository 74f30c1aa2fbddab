/** Clients that increment and write until they are told to stop, and note in a ledger what they were told. */

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
  #running = true;
  #done: Promise<unknown> = Promise.resolve();

  /** Whoever makes it starts it. */
  constructor(cluster: ProcessCluster, ledger: Ledger, gaps: GapRecorder) {
    this.#cluster = cluster;
    this.#ledger = ledger;
    this.#gaps = gaps;
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
        const known = this.#known(await kv.set(Buffer.from(key), Buffer.from(String(n)), { timeoutMs }));
        this.#ledger.wrote(key, n, known);
      } else {
        const key = `count-${(i * 5 + n) % counters}`;
        this.#ledger.incremented(key, this.#known(await kv.incr(Buffer.from(key), { timeoutMs })));
      }
    }
    await client.close();
  }

  #known<A>(answer: E.Either<rsm.CommandError, A>): boolean {
    if (E.isRight(answer)) {
      this.#gaps.answered();
      return true;
    }
    if (answer.left.tag !== 'Timeout') throw new Error(answer.left.message);
    return false;
  }
}

/** The number under each key, 0 where there is none. Throws where the service does not answer. */
export const readBack = async (
  cluster: ProcessCluster,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const client = await openClient(cluster);
  const kv = new rsm.KvClient(client);
  const found = new Map<string, number>();
  for (const key of keys) {
    const value = await kv.get(Buffer.from(key), { timeoutMs });
    if (E.isLeft(value)) throw new Error(`"${key}" could not be read back: ${value.left.message}`);
    found.set(key, value.right === null ? 0 : Number(Buffer.from(value.right).toString()));
  }
  await client.close();
  return found;
};
