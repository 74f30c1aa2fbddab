/** The demo's part on IronKV: three hosts under load, half of the keys moved to another host, and every acknowledged request found again. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Call,
  HistoryRecorder,
  type HistoryVerdict,
  jsonHistory,
  type Result,
} from '../../refinement/linearizability.js';
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
  /** Whether everything that clients were told fits one order of their requests; `unknown` where that took too long to find out. */
  readonly history: HistoryVerdict['answer'];
  readonly steps: number;
  readonly stepsChecked: number;
  readonly violations: number;
  /** Hosts that did not end cleanly. */
  readonly failed: number;
}

const hosts = 3;
const clients = 4;
/** Requests of a client under way. */
const lanes = 8;
const keysCount = 2000;
const timeoutMs = 5000;
const moveTimeoutMs = 20_000;

const keyOf = (n: number): string => `key-${String(n).padStart(6, '0')}`;
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

type History = HistoryRecorder<Call, Result>;

const openClient = async (options: kv.ClientOptions): Promise<kv.KvStoreClient> => {
  const client = await kv.KvStoreClient.open(options);
  if (E.isLeft(client)) throw new Error(client.left);
  return client.right;
};

/** Notes that everybody changes in every way; half of their keys lie below those that are counted, half above. */
const noteKeys = Array.from({ length: 16 }, (_, i) => bytesOf(`${i % 2 === 0 ? 'a' : 'z'}-note-${i}`));

/** The `n`th request that a client makes of a note. */
const changeNote = (store: kv.RecordedKvStore, n: number): Promise<E.Either<kv.RequestError, unknown>> => {
  const key = noteKeys[(n * 5) % noteKeys.length] as Uint8Array;
  const options = { timeoutMs };
  const value = bytesOf(String(n % 10));
  const requests = [
    () => store.set(key, value, { ...options, when: 'absent' }),
    () => store.append(key, value, options),
    () => store.length(key, options),
    () => store.compareAndSet(key, value, bytesOf('1'), options),
    () => store.get(key, options),
    () => store.set(key, value, { ...options, when: 'present' }),
    () => store.increment(key, n, options),
    () => store.delete(key, options),
    () => store.compareAndSet(key, null, value, options),
    () => store.set(key, value, options),
  ];
  return (requests[n % requests.length] as (typeof requests)[number])();
};

/** Clients that increment keys in turn, a few at a time, and change notes, until they are told to stop. */
class Load {
  readonly ledger = new Ledger();
  readonly gaps = new GapRecorder();
  /** What every client asked and was told. */
  readonly history: History = new HistoryRecorder(() => performance.now() * 1e6);
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
    const store = new kv.RecordedKvStore(client, this.history, `client ${i}`);
    for (let n = i; this.#running; n += lanes) {
      const keys = Array.from({ length: lanes - 1 }, (_, k) => keyOf(((n + k) * 7919) % keysCount));
      const counted = keys.map(async (key) => {
        const answer = await store.increment(bytesOf(key), 1, { timeoutMs });
        this.ledger.incremented(key, E.isRight(answer));
        if (E.isRight(answer)) this.gaps.answered();
      });
      await Promise.all([...counted, changeNote(store, (n - i) / lanes + i * 3)]);
    }
    await client.close();
  }
}

/** The number under each key; 0 where there is none. */
const readBack = async (
  options: kv.ClientOptions,
  keys: readonly string[],
  history: History,
): Promise<ReadonlyMap<string, number>> => {
  const client = await openClient(options);
  const store = new kv.RecordedKvStore(client, history, 'reader');
  const found = new Map<string, number>();
  await Promise.all(
    keys.map(async (key) => {
      const value = await store.get(bytesOf(key), { timeoutMs });
      if (E.isLeft(value)) throw new Error(`"${key}" could not be read back: ${value.left.message}`);
      found.set(key, Number(value.right === null ? 0 : Buffer.from(value.right).toString()));
    }),
  );
  await client.close();
  return found;
};

/** How the part on IronKV is run. */
export interface MovedShardOptions {
  readonly seconds: number;
  /** The folder, not there yet, of the hosts' journals and the clients' history, if they write any. */
  readonly journal: string | undefined;
  readonly say: (line: string) => void;
  readonly judge: (history: History, model: 'table') => HistoryVerdict['answer'];
}

/** Runs the load for about so long, with the move in the middle. Throws where a process does not start or the move does not end. */
export const demoMovedShard = async ({ seconds, journal, say, judge }: MovedShardOptions): Promise<MovedShard> => {
  if (journal !== undefined) mkdirSync(journal);
  const cluster = await ProcessCluster.start({
    ...{ name: 'demo-kv', system: 'ironkv', nodes: hosts, administrators: 1, check: 'inline', journal },
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
  const found = await readBack(options, ledger.keys(), load.history);
  const wrong = [...found].flatMap(([key, value]) => ledger.contradiction(key, value) ?? []);
  for (const { key, found: value, atLeast, atMost } of wrong) {
    say(`WRONG: ${key} holds ${value}, and clients were told of ${atLeast} to ${atMost}.`);
  }
  if (journal !== undefined) writeFileSync(join(journal, 'clients.history.json'), jsonHistory(load.history, 'table'));
  const history = judge(load.history, 'table');
  const reports = await cluster.stop();
  const failed = reports.filter(({ exit }) => exit.code !== exitCodes.ok);
  for (const { id, exit, lastWords } of failed)
    say(`WRONG: host ${id} ended with exit code ${exit.code}:\n${lastWords}`);
  const { steps, stepsChecked, violations } = totalsOf(reports.map((r) => r.stats));
  return {
    ...{ requestsAnswered: ledger.acknowledged, outcomesUnknown: ledger.unknown, keysMoved, moveMs, gapMs },
    ...{ lost: wrong.reduce((sum, w) => sum + ledger.lost(w), 0), contradictions: wrong.length, history },
    ...{ steps, stepsChecked, violations, failed: failed.length },
  };
};
