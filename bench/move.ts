/**
 * What a move costs the requests that it does not concern: two hosts with their judges, of which the first hands a range over to
 * the second while both answer for keys that stay with them, under the same load before and during the move. The loads run in
 * processes of their own, those on keys that stay apart from those on keys that move; a request's time begins when it is sent.
 * Ends with exit code 1 where anything was answered wrongly. `npm run bench:move -- --keys 1000000`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type NodeReport, ProcessCluster } from '../src/cli/cluster/process-cluster.js';
import { checkLevelOf } from '../src/cli/commands/serve.js';
import { E } from '../src/spec/prelude.js';
import { Administrator, type ClientOptions, KvStoreClient } from '../systems/ironkv/index.js';
import {
  type Answer,
  expectedValue,
  type FromParent,
  type LoadOptions,
  type LoadTotals,
  type TargetOptions,
  type WindowResult,
} from './move/messages.js';

const { values: flags } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '8' },
    check: { type: 'string', default: 'inline' },
    profile: { type: 'string' },
    'node-option': { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});

const movedKeys = Number(flags.keys);
const stayingKeys = 1000;
const countersCount = 64;
const moveTimeoutMs = 600_000;

/** The targets lie in three ranges: what stays at the first host, what moves, and what the second host has before. */
const targetOf = (name: string, keyPrefix: string, keys: number): TargetOptions => ({
  name,
  keyPrefix,
  keys,
  counters: Array.from({ length: countersCount }, (_, i) => {
    return `${keyPrefix}${String(Math.floor((i * keys) / countersCount)).padStart(7, '0')}:count`;
  }),
  ratePerSecond: Number(flags.rate),
});

const staying = targetOf('staying', 'a', stayingKeys);
const moving = targetOf('moving', 'key-', movedKeys);
const recipients = targetOf('recipient', 'z', stayingKeys);
const targets = [staying, moving, recipients];

const unwrap = <A>(result: E.Either<string | { readonly message: string }, A>): A => {
  if (E.isRight(result)) return result.right;
  throw new Error(typeof result.left === 'string' ? result.left : result.left.message);
};

/** A child with a load. */
class LoadProcess {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./move/load-process.js', import.meta.url)));

  async start(load: LoadOptions): Promise<void> {
    await this.#ask({ tag: 'start', load });
  }

  async cut(): Promise<Readonly<Record<string, WindowResult>>> {
    const answer = await this.#ask({ tag: 'cut' });
    if (answer.tag !== 'windows') throw new Error(`a load answered ${answer.tag}`);
    return answer.windows;
  }

  async stop(): Promise<Readonly<Record<string, LoadTotals>>> {
    const answer = await this.#ask({ tag: 'stop' });
    if (answer.tag !== 'totals') throw new Error(`a load answered ${answer.tag}`);
    return answer.totals;
  }

  #ask(message: FromParent): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`a load ended with exit code ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (answer: Answer) => {
        this.#child.off('exit', onExit);
        resolve(answer);
      });
      this.#child.send(message);
    });
  }
}

/** Writes all keys, many at a time. */
const fill = async (options: ClientOptions): Promise<void> => {
  const client = unwrap(await KvStoreClient.open(options));
  for (const { keyPrefix, keys } of targets) {
    for (let first = 0; first < keys; first += 2000) {
      const count = Math.min(2000, keys - first);
      const answers = await Promise.all(
        Array.from({ length: count }, (_, i) => {
          const key = `${keyPrefix}${String(first + i).padStart(7, '0')}`;
          return client.set(Buffer.from(key), expectedValue(key), { timeoutMs: 60_000 });
        }),
      );
      for (const answer of answers) unwrap(answer);
    }
  }
  await client.close();
};

/** The sums of the counters that differ from what the load was told. */
const wrongSums = async (options: ClientOptions, totals: Readonly<Record<string, LoadTotals>>): Promise<number> => {
  const client = unwrap(await KvStoreClient.open(options));
  let wrong = 0;
  for (const { name, counters } of targets) {
    for (const [i, counter] of counters.entries()) {
      const value = unwrap(await client.get(Buffer.from(counter)));
      const sum = value === null ? 0 : Number(Buffer.from(value).toString());
      if (sum !== totals[name]?.increments[i]) wrong++;
    }
  }
  await client.close();
  return wrong;
};

const round = (x: number): number => Math.round(x * 1000) / 1000;

const rounded = (windows: Readonly<Record<string, WindowResult>>): Record<string, WindowResult> =>
  Object.fromEntries(
    Object.entries(windows).map(([name, { requests, p50Ms, p99Ms, maxMs }]) => [
      name,
      { requests, p50Ms: round(p50Ms), p99Ms: round(p99Ms), maxMs: round(maxMs) },
    ]),
  );

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const note = (reports: readonly NodeReport[]): void => {
  for (const { id, exit, lastWords } of reports) if (exit.code !== 0) say(`host ${id} ended:\n${lastWords}`);
};

/** What came out, and whether it is right: each request answered, none executed twice or lost, and each key where it belongs. */
const measure = async (
  cluster: ProcessCluster,
): Promise<{ readonly right: boolean; readonly result: Readonly<Record<string, unknown>> }> => {
  const options = { cluster: cluster.name, hosts: cluster.replicas, datagramBytesMax: 8192 };
  const administrator = unwrap(await Administrator.open({ ...options, administrators: cluster.administrators }));
  const [, second] = cluster.replicas;
  if (second === undefined) throw new Error('the cluster has a second host');
  await fill(options);
  const order = (lo: string, hi: string | null) => ({
    lo: Buffer.from(lo),
    hi: hi === null ? null : Buffer.from(hi),
    recipient: second,
  });
  unwrap(await administrator.shard(order('z', null), moveTimeoutMs));
  say(`loaded ${movedKeys} keys`);
  const loads = [[staying, recipients], [moving]].map((of) => ({ process: new LoadProcess(), of }));
  await Promise.all(loads.map((l) => l.process.start({ ...options, targets: l.of })));
  const cut = async () => Object.assign({}, ...(await Promise.all(loads.map((l) => l.process.cut()))));
  await sleep(3000);
  await cut();
  await sleep(Number(flags.seconds) * 1000);
  const before: Record<string, WindowResult> = await cut();
  const startedAt = performance.now();
  unwrap(await administrator.shard(order('key-', 'key.'), moveTimeoutMs));
  const moveSeconds = round((performance.now() - startedAt) / 1000);
  const during: Record<string, WindowResult> = await cut();
  const totals: Record<string, LoadTotals> = Object.assign(
    {},
    ...(await Promise.all(loads.map((l) => l.process.stop()))),
  );
  const keys = (await administrator.status()).map((host) => host.answer?.keys);
  await administrator.close();
  const sumsWrong = await wrongSums(options, totals);
  const ratio = (name: string): number => round((during[name]?.p99Ms ?? NaN) / (before[name]?.p99Ms ?? NaN));
  const all = Object.values(totals);
  const errors = all.reduce((sum, t) => sum + t.errors, 0);
  // The counters come into being with the load.
  const keysExpected = [stayingKeys + countersCount, movedKeys + stayingKeys + 2 * countersCount];
  const right = errors === 0 && sumsWrong === 0 && keys.join() === keysExpected.join();
  const result = {
    bench: 'move',
    movedKeys,
    check: flags.check,
    ratePerSecondEach: Number(flags.rate),
    moveSeconds,
    p99RatioStaying: ratio('staying'),
    p99RatioRecipient: ratio('recipient'),
    before: rounded(before),
    during: rounded(during),
    errors,
    mistakes: all.flatMap(({ mistakes }) => mistakes),
    increments: all.reduce((sum, { increments }) => sum + increments.reduce((a, b) => a + b, 0), 0),
    sumsWrong,
    keysAtHosts: keys,
    keysExpected,
  };
  return { right, result };
};

const cluster = await ProcessCluster.start({
  ...{ name: 'move', system: 'ironkv', nodes: 2, administrators: 1, check: checkLevelOf(flags.check) },
  execArgv: [
    ...flags['node-option'],
    ...(flags.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', flags.profile]),
  ],
});
let right = false;
try {
  const measured = await measure(cluster);
  const { result } = measured;
  const reports = await cluster.stop();
  note(reports);
  const violations = reports.reduce((sum, { stats }) => sum + (stats?.violations ?? 0), 0);
  const exits = reports.map(({ exit }) => exit.code);
  right = measured.right && violations === 0 && exits.every((code) => code === 0);
  process.stdout.write(`${JSON.stringify({ ...result, violations, exits }, null, flags.json ? undefined : 2)}\n`);
} catch (error) {
  note(await cluster.stop());
  throw error;
}
process.exit(right ? 0 : 1);
