/** The demo's part on IronKV: three hosts under load, half of the keys moved to another host, and every acknowledged request found again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { E } from '../../spec/prelude.js';
import { GapRecorder } from '../cluster/leader.js';
import { ProcessCluster, totalsOf } from '../cluster/process-cluster.js';
import { exitCodes } from '../outcome.js';
import { kv } from '../systems.js';
import { Ledger } from './ledger.js';

/** What came of it. */
export interface MovedShard {
  readonly requestsAnswered: number;
  readonly outcomesUnknown: number;
  readonly keysMoved: number;
  readonly moveMs: number;
  /** The longest time without an answer to any client, while keys moved. */
  readonly gapMs: number;
  readonly lost: number;
  readonly contradictions: number;
  readonly steps: number;
  readonly stepsChecked: number;
  readonly violations: number;
  /** Hosts that did not end cleanly. */
  readonly failed: number;
}

const hosts = 3;
const clients = 4;
const keysCount = 2000;
const timeoutMs = 5000;
const moveTimeoutMs = 20_000;

const keyOf = (n: number): string => `key-${String(n).padStart(6, '0')}`;
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

const openClient = async (options: kv.ClientOptions): Promise<kv.KvStoreClient> => {
  const client = await kv.KvStoreClient.open(options);
  if (E.isLeft(client)) throw new Error(client.left);
  return client.right;
};

/** Clients that increment keys in turn, a few at a time, until they are told to stop. */
class Load {
  readonly ledger = new Ledger();
  readonly gaps = new GapRecorder();
  #running = true;
  #done: Promise<unknown> = Promise.resolve();

  start(options: kv.ClientOptions): void {
    this.#done = Promise.all(Array.from({ length: clients }, (_, i) => this.#client(i, options)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #client(i: number, options: kv.ClientOptions): Promise<void> {
    const client = await openClient(options);
    for (let n = i; this.#running; n += 8) {
      const keys = Array.from({ length: 8 }, (_, k) => keyOf(((n + k) * 7919) % keysCount));
      await Promise.all(
        keys.map(async (key) => {
          const answer = await client.increment(bytesOf(key), 1, { timeoutMs });
          this.ledger.incremented(key, E.isRight(answer));
          if (E.isRight(answer)) this.gaps.answered();
        }),
      );
    }
    await client.close();
  }
}

/** The number under each key; 0 where there is none. */
const readBack = async (options: kv.ClientOptions, keys: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const client = await openClient(options);
  const found = new Map<string, number>();
  await Promise.all(
    keys.map(async (key) => {
      const value = await client.get(bytesOf(key), { timeoutMs });
      if (E.isLeft(value)) throw new Error(`"${key}" could not be read back: ${value.left.message}`);
      found.set(key, Number(value.right === null ? 0 : Buffer.from(value.right).toString()));
    }),
  );
  await client.close();
  return found;
};

/** Runs the load for about so long, with the move in the middle. Throws where a process does not start or the move does not end. */
export const demoMovedShard = async (seconds: number, say: (line: string) => void): Promise<MovedShard> => {
  const cluster = await ProcessCluster.start({
    ...{ name: 'demo-kv', system: 'ironkv', nodes: hosts, administrators: 1, check: 'inline' },
  });
  const { administrators, replicas } = cluster;
  const options = { cluster: cluster.name, hosts: replicas, datagramBytesMax: 8192 };
  say(`IronKV: ${hosts} hosts, and ${clients} clients that increment ${keysCount} keys. The first host has them all.`);
  const load = new Load();
  load.start(options);
  await sleep(seconds * 500);
  const administrator = await kv.Administrator.open({ ...options, administrators });
  if (E.isLeft(administrator)) throw new Error(administrator.left);
  const recipient = replicas[1];
  if (recipient === undefined) throw new Error('the demo has a second host');
  say(`${load.ledger.acknowledged} requests answered so far. Moving the upper half of the keys to the second host.`);
  load.gaps.restart();
  const startedAt = performance.now();
  const moved = await administrator.right.shard(
    { lo: bytesOf(keyOf(keysCount / 2)), hi: null, recipient },
    moveTimeoutMs,
  );
  const [moveMs, gapMs] = [Math.round(performance.now() - startedAt), load.gaps.longestMs];
  if (E.isLeft(moved)) throw new Error(moved.left.message);
  await sleep(seconds * 500);
  await load.stop();
  const statuses = await administrator.right.status();
  await administrator.right.close();
  const keysMoved = statuses[1]?.answer?.keys ?? 0;
  say(`Moved ${keysMoved} keys in ${moveMs} ms; the longest time without an answer meanwhile was ${gapMs} ms.`);
  const { ledger } = load;
  const found = await readBack(options, ledger.keys());
  const wrong = [...found].flatMap(([key, value]) => ledger.contradiction(key, value) ?? []);
  for (const { key, found: value, atLeast, atMost } of wrong) {
    say(`WRONG: ${key} holds ${value}, and clients were told of ${atLeast} to ${atMost}.`);
  }
  const reports = await cluster.stop();
  const failed = reports.filter(({ exit }) => exit.code !== exitCodes.ok);
  for (const { id, exit, lastWords } of failed)
    say(`WRONG: host ${id} ended with exit code ${exit.code}:\n${lastWords}`);
  const { steps, stepsChecked, violations } = totalsOf(reports.map((r) => r.stats));
  return {
    ...{ requestsAnswered: ledger.acknowledged, outcomesUnknown: ledger.unknown, keysMoved, moveMs, gapMs },
    ...{ lost: wrong.reduce((sum, w) => sum + ledger.lost(w), 0), contradictions: wrong.length },
    ...{ steps, stepsChecked, violations, failed: failed.length },
  };
};
