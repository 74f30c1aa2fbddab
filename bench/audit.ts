/**
 * How fast an audit is, and how its memory follows the length of the journals: three replicas under load write journals of two
 * lengths, the leader is killed in the middle of each, and the command judges them. Run by `npm run bench:audit -- --requests 50000 --clients 64`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ClosedLoop } from '../src/cli/bench/closed-loop.js';
import { findLeader } from '../src/cli/cluster/leader.js';
import { ProcessCluster } from '../src/cli/cluster/process-cluster.js';
import { binFile } from '../src/cli/package-root.js';
import { rsm } from '../src/cli/systems.js';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '50000' },
    clients: { type: 'string', default: '64' },
    bundle: { type: 'string', default: '1' },
    every: { type: 'string', default: '1000' },
    longer: { type: 'string', default: '4' },
  },
});

const keys = 1000;
const value = new Uint8Array(128).fill(0x78);
const request = (client: number, sequence: number): Uint8Array =>
  rsm.encodeCommand({ tag: 'set', key: Buffer.from(`key-${(client * 7919 + sequence) % keys}`), value });

/** Writes journals of so many requests, with the leader killed in the middle. */
const write = async (journal: string, requests: number): Promise<void> => {
  const cluster = await ProcessCluster.start({ name: 'audit', nodes: 3, application: 'kv', check: 'inline', journal });
  const { name, replicas } = cluster;
  const clients = Number(values.clients);
  let answered = 0;
  const onAnswered = (): void => {
    answered++;
  };
  const [bundle, accept] = [Number(values.bundle), () => true];
  const load = await ClosedLoop.open({ cluster: name, replicas, clients, bundle, request, accept, onAnswered });
  while (answered < requests / 2) await sleep(10);
  await (await findLeader(cluster)).end('SIGKILL');
  while (answered < requests) await sleep(10);
  await load.close();
  await cluster.stop();
};

const audit = async (asked: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'ironkeel-bench-'));
  try {
    await write(folder, asked);
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const options = { encoding: 'utf8', maxBuffer: 1 << 26 } as const;
    const out = execFileSync(process.execPath, [binFile, 'audit', folder, '--every', values.every, '--json'], options);
    const result = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>;
    const { events, steps, stepsChecked, requests, packets, cpuSeconds, eventsPerSecond } = result;
    const perCpu = Math.round((events as number) / (cpuSeconds as number));
    const megabytes = (n: number): number => Math.round(n / 1e6);
    const row = {
      journalMb: megabytes(bytes),
      events,
      steps,
      stepsChecked,
      requests,
      packets,
      eventsPerSecond,
      eventsPerCpuSecond: perCpu,
      peakMemoryMb: megabytes(result.peakMemoryBytes as number),
    };
    process.stdout.write(`${JSON.stringify(row)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

await audit(Number(values.requests));
await audit(Number(values.requests) * Number(values.longer));
