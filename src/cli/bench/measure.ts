/** One measurement of a cluster of processes under load: warm-up, what was counted, and the end of all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessCluster, totalsOf } from '../cluster/process-cluster.js';
import type { LoadResult } from './closed-loop.js';

/** A load under way. */
export interface MeasuredLoad {
  measure(): void;
  result(): LoadResult;
  close(): Promise<void>;
}

const warmUpMs = 2000;

/** Measures for so long, and ends the load and the cluster; the fields of the result. Throws where a node ended other than by its judge. */
export const measured = async (cluster: ProcessCluster, load: MeasuredLoad, seconds: number) => {
  await sleep(warmUpMs);
  const before = await cluster.totals();
  load.measure();
  await sleep(seconds * 1000);
  const result = load.result();
  const after = await cluster.totals();
  await load.close();
  const reports = await cluster.stop();
  // A replica that stopped itself is a result, with its violation; any other end is none.
  const lost = reports.find((r) => r.exit.code !== 0 && r.exit.code !== 1);
  if (lost !== undefined) throw new Error(`the node ${lost.id} ended by itself:\n${lost.lastWords}`);
  return {
    requestsPerSecond: Math.round(result.answered / result.seconds),
    p50Ms: round(result.p50Ms),
    p99Ms: round(result.p99Ms),
    errors: result.errors,
    requests: result.answered,
    seconds: round(result.seconds),
    steps: after.steps - before.steps,
    stepsChecked: after.stepsChecked - before.stepsChecked,
    violations: totalsOf(reports.map((r) => r.stats)).violations,
    /** Processor time of all nodes together, which other programs on the machine disturb less than the rate. */
    replicaCpuMicrosPerRequest: round(((after.cpuMs - before.cpuMs) * 1000) / Math.max(result.answered, 1)),
    exits: reports.map((r) => r.exit.code),
  };
};

const round = (x: number): number => Math.round(x * 1000) / 1000;
