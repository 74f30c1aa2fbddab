/**
 * What it costs to catch up: three replicas under load, of which a follower stands still (SIGSTOP) while so many requests are
 * executed, and then goes on, under the same load. Twice: where the others' logs no longer hold what it missed, so that it gets a
 * state, and where they do. Memory is read from /proc, so this runs on Linux only. `npm run bench:catch-up -- --behind 500000`.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClosedLoop, type LoadResult } from '../src/cli/bench/closed-loop.js';
import { requestsOf } from '../src/cli/bench/rsm.js';
import { findLeader } from '../src/cli/cluster/leader.js';
import type { NodeProcess } from '../src/cli/cluster/node-process.js';
import { ProcessCluster } from '../src/cli/cluster/process-cluster.js';
import { rsm } from '../src/cli/systems.js';
import { E } from '../src/spec/prelude.js';

const { values: flags } = parseArgs({
  options: {
    behind: { type: 'string', default: '500000' },
    clients: { type: 'string', default: '4' },
    bundle: { type: 'string', default: '128' },
    keys: { type: 'string', default: '100000' },
    'value-bytes': { type: 'string', default: '128' },
    only: { type: 'string' },
  },
});

/** How long the load runs before the pause, and after the replica has caught up. */
const steadyMs = 5000;

/** How often memory and progress are looked at. */
const sampleMs = 25;

/** A replica this few operations behind the leader has caught up: under load it is never at zero. */
const nearOps = 64;

const giveUpMs = 120_000;

const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

/** Resident memory of a process, in bytes. */
const residentBytes = (node: NodeProcess): number => {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
};

/** Whether the process stands still. */
const stopped = (node: NodeProcess): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${node.pid}/status`, 'utf8'));

/** The highest resident memory of each node, since the start or the last `restart`. */
class MemoryWatch {
  readonly #nodes: readonly NodeProcess[];
  readonly #peaks = new Map<NodeProcess, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(nodes: readonly NodeProcess[]) {
    this.#nodes = nodes;
    this.#timer = setInterval(() => this.#look(), sampleMs);
  }

  restart(): void {
    this.#peaks.clear();
    this.#look();
  }

  peak(node: NodeProcess): number {
    this.#look();
    return this.#peaks.get(node) ?? 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const node of this.#nodes) {
      this.#peaks.set(node, Math.max(this.#peaks.get(node) ?? 0, residentBytes(node)));
    }
  }
}

/** How many operations a node has executed, `undefined` where it does not answer. */
const opsOf = async (cluster: ProcessCluster, node: NodeProcess): Promise<number | undefined> => {
  const answers = await rsm.askStatus({ cluster: cluster.name, replicas: [node.address] }, 1000);
  return E.isLeft(answers) ? undefined : answers.right[0]?.status?.opsComplete;
};

const rate = ({ answered, seconds }: LoadResult): number => Math.round(answered / seconds);

/** Waits until `lagging` is as far as the leader; the milliseconds that took. */
const caughtUp = async (cluster: ProcessCluster, leader: NodeProcess, lagging: NodeProcess): Promise<number> => {
  const from = performance.now();
  while (performance.now() - from < giveUpMs) {
    const [ahead, behind] = await Promise.all([opsOf(cluster, leader), opsOf(cluster, lagging)]);
    if (ahead !== undefined && behind !== undefined && ahead - behind <= nearOps) return performance.now() - from;
    await sleep(sampleMs);
  }
  return Number.NaN;
};

interface Variant {
  /** What the replica is to need. */
  readonly name: 'state' | 'log';
  readonly parameters: Readonly<Record<string, number>>;
}

const measure = async ({ name, parameters }: Variant): Promise<Readonly<Record<string, unknown>>> => {
  const cluster = await ProcessCluster.start({
    ...{ name: `catch-up-${name}`, nodes: 3, application: 'kv', check: 'inline', parameters },
  });
  const load = await ClosedLoop.open({
    ...{ cluster: cluster.name, replicas: cluster.replicas },
    ...{ clients: Number(flags.clients), bundle: Number(flags.bundle) },
    ...requestsOf({ app: 'kv', op: 'set', valueBytes: Number(flags['value-bytes']) }, Number(flags.keys)),
  });
  await sleep(steadyMs);
  load.measure();
  await sleep(steadyMs);
  const before = load.result();
  const leader = await findLeader(cluster);
  const [lagging, supplier] = cluster.nodes.filter((n) => n !== leader) as [NodeProcess, NodeProcess];
  const memory = new MemoryWatch(cluster.nodes);
  const opsAtPause = (await opsOf(cluster, leader)) ?? 0;
  lagging.pause();
  load.measure();
  while (load.answered < Number(flags.behind)) await sleep(sampleMs);
  const paused = load.result();
  // What a replica needs under this load anyway, by its highest of the last moments.
  memory.restart();
  await sleep(2000);
  const usual = new Map(cluster.nodes.map((n) => [n, memory.peak(n)]));
  const opsBehind = ((await opsOf(cluster, leader)) ?? 0) - opsAtPause;
  const dropped = await Promise.all([leader, supplier].map(async (n) => (await n.stats())?.host.operationsDropped));
  // Who misses an operation that nobody's log holds can only get a state.
  const needed = dropped.every((n) => (n ?? 0) > opsAtPause) ? 'state' : 'log';
  if (!stopped(lagging)) throw new Error(`the replica ${lagging.id} was woken by someone else`);
  memory.restart();
  load.measure();
  lagging.resume();
  const catchUpMs = await caughtUp(cluster, leader, lagging);
  const during = load.result();
  const extra = (node: NodeProcess): number => mb(memory.peak(node) - (usual.get(node) ?? 0));
  const extras = {
    extraMbOfReplica: extra(lagging),
    extraMbOfSuppliers: Math.max(extra(leader), extra(supplier)),
    usualMb: cluster.nodes.map((n) => mb(usual.get(n) ?? 0)),
  };
  load.measure();
  await sleep(steadyMs);
  const after = load.result();
  memory.stop();
  await load.close();
  const reports = await cluster.stop();
  return {
    variant: name,
    needed,
    operationsBehind: opsBehind,
    requestsBehind: paused.answered,
    catchUpMs: Math.round(catchUpMs),
    ...extras,
    requestsPerSecond: { before: rate(before), paused: rate(paused), during: rate(during), after: rate(after) },
    errors: before.errors + paused.errors + during.errors + after.errors,
    exits: reports.map((r) => r.exit.code),
  };
};

const variants: readonly Variant[] = [
  { name: 'state', parameters: {} },
  { name: 'log', parameters: { retainBytesMax: 2 ** 30 } },
];

let asPlanned = true;
const rows: unknown[] = [];
for (const variant of variants.filter((v) => flags.only === undefined || v.name === flags.only)) {
  const row = await measure(variant);
  process.stderr.write(`${JSON.stringify(row)}\n`);
  rows.push(row);
  asPlanned &&= row.needed === variant.name && Number.isFinite(row.catchUpMs);
}
process.stdout.write(`${JSON.stringify({ rows })}\n`);
// Too little was missed, or the replica did not catch up in time.
if (!asPlanned) process.exitCode = 4;
