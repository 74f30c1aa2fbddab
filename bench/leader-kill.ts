/**
 * What killing the leader costs the clients: the longest time without an answer around a SIGKILL, each time of a fresh
 * cluster of three replicas with the default parameters. Run by `npm run bench:leader-kill -- --kills 20`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClosedLoop } from '../src/cli/bench/closed-loop.js';
import { findLeader, GapRecorder } from '../src/cli/cluster/leader.js';
import { ProcessCluster } from '../src/cli/cluster/process-cluster.js';
import { rsm } from '../src/cli/systems.js';

const clients = 8;
const loadMs = 1500;
const afterKillMs = 4000;

const request = rsm.encodeCommand({ tag: 'incr', key: Buffer.from('kills') });

const kill = async (): Promise<number> => {
  const cluster = await ProcessCluster.start({ name: 'leader-kill', nodes: 3, application: 'kv', check: 'inline' });
  const gaps = new GapRecorder();
  const load = await ClosedLoop.open({
    cluster: cluster.name,
    replicas: cluster.replicas,
    clients,
    bundle: 1,
    request: () => request,
    accept: () => true,
    onAnswered: () => gaps.answered(),
  });
  await sleep(loadMs);
  const leader = await findLeader(cluster);
  gaps.restart();
  await leader.end('SIGKILL');
  await sleep(afterKillMs);
  const gapMs = gaps.longestMs;
  await load.close();
  await cluster.stop();
  return gapMs;
};

const { values } = parseArgs({ options: { kills: { type: 'string', default: '20' } } });
const gapsMs: number[] = [];
for (let i = 0; i < Number(values.kills); i++) {
  gapsMs.push(await kill());
  process.stderr.write(`kill ${i + 1}: ${gapsMs.at(-1)} ms\n`);
}
const sorted = [...gapsMs].sort((a, b) => a - b);
const middle = sorted.length / 2;
const medianMs = ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
const result = { kills: sorted.length, medianMs, minMs: sorted[0], maxMs: sorted.at(-1), gapsMs };
process.stdout.write(`${JSON.stringify(result)}\n`);
