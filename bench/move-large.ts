/**
 * What a move of large values costs: two hosts with their judges, in processes of their own, of which the first hands all its keys over
 * to the second. Of the move it tells the time, the bytes that the first host sent against those of the keys and values, what its transport
 * did not send beside an equal message or for want of room, processor time, and peak memory of both (Linux only). Ends with exit code 1
 * where a key is not where it belongs, or a host did not end well. `npm run bench:move-large -- --values 40 --bytes 16777216`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { NodeProcess } from '../src/cli/cluster/node-process.js';
import { type NodeReport, ProcessCluster } from '../src/cli/cluster/process-cluster.js';
import { checkLevelOf } from '../src/cli/commands/serve.js';
import { E } from '../src/spec/prelude.js';
import { Administrator, KvStoreClient } from '../systems/ironkv/index.js';

const { values: flags } = parseArgs({
  options: {
    values: { type: 'string', default: '40' },
    bytes: { type: 'string', default: String(1 << 24) },
    check: { type: 'string', default: 'inline' },
    parameter: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});

const count = Number(flags.values);
const bytes = Number(flags.bytes);
const timeoutMs = 600_000;

const parameters = Object.fromEntries(
  flags.parameter.map((text): [string, number] => {
    const [name = '', value] = text.split('=');
    return [name, Number(value)];
  }),
);

const unwrap = <A>(result: E.Either<string | { readonly message: string }, A>): A => {
  if (E.isRight(result)) return result.right;
  throw new Error(typeof result.left === 'string' ? result.left : result.left.message);
};

const keyOf = (n: number): Buffer => Buffer.from(`key-${String(n).padStart(6, '0')}`);

/** A value of which no part is like another, nor like a part of any other value. */
const madeValue = (n: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(bytes / 4)).map((_, i) => Math.imul(i + n * 7919, 0x9e37_79b1));
  return new Uint8Array(words.buffer, 0, bytes);
};

/** Memory of the process in MB: what it has now, or had at most. */
const memoryMb = ({ pid }: NodeProcess, what: 'VmRSS' | 'VmHWM'): number => {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((l) => l.startsWith(what));
  return Math.round((Number(line?.match(/\d+/)?.[0]) * 1024) / 1e6);
};

const forgetPeak = ({ pid }: NodeProcess): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** The counters of a host's last line, `stopped`. */
const countersOf = ({ lastWords }: NodeReport): Readonly<Record<string, number>> => {
  const last = JSON.parse(lastWords.split('\n').at(-1) ?? '{}') as { network?: Readonly<Record<string, number>> };
  return last.network ?? {};
};

const cluster = await ProcessCluster.start({
  ...{
    name: 'move-large',
    system: 'ironkv',
    nodes: 2,
    administrators: 1,
    check: checkLevelOf(flags.check),
    parameters,
  },
});

const measure = async (): Promise<Readonly<Record<string, unknown>>> => {
  const options = { cluster: cluster.name, hosts: cluster.replicas, datagramBytesMax: 8192 };
  const client = unwrap(await KvStoreClient.open(options));
  for (let n = 0; n < count; n++) unwrap(await client.set(keyOf(n), madeValue(n), { timeoutMs }));
  const administrator = unwrap(await Administrator.open({ ...options, administrators: cluster.administrators }));
  const beforeMb = cluster.nodes.map((node) => memoryMb(node, 'VmRSS'));
  for (const node of cluster.nodes) forgetPeak(node);
  const { cpuMs } = await cluster.totals();
  const startedAt = performance.now();
  const [, recipient] = cluster.replicas;
  if (recipient === undefined) throw new Error('the cluster has a second host');
  unwrap(await administrator.shard({ lo: Buffer.from(''), hi: null, recipient }, timeoutMs));
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  const peakMb = cluster.nodes.map((node) => memoryMb(node, 'VmHWM'));
  const movedCpuMs = (await cluster.totals()).cpuMs - cpuMs;
  const keys = (await administrator.status()).map((host) => host.answer?.keys);
  const last = unwrap(await client.get(keyOf(count - 1), { timeoutMs }));
  const isRight =
    keys.join() === [0, count].join() && last !== null && Buffer.compare(last, madeValue(count - 1)) === 0;
  await Promise.all([administrator.close(), client.close()]);
  return { seconds, cpuMs: Math.round(movedCpuMs), beforeMb, peakMb, isRight };
};

let exitCode = 1;
try {
  const measured = await measure();
  const reports = await cluster.stop();
  const { bytesSent = 0, ...sender } = countersOf(reports[0] as NodeReport);
  const names = ['chunkedArrived', 'chunkedAlready', 'chunkedNotTaken', 'chunkedGivenUp', 'chunksSentAgain'];
  const transport = Object.fromEntries(names.map((name) => [name, sender[name]]));
  const sentPerNeeded = Math.round((1000 * bytesSent) / (count * bytes)) / 1000;
  const exits = reports.map(({ exit }) => exit.code);
  const result = { bench: 'move-large', values: count, bytes, ...measured, sentPerNeeded, ...transport, exits };
  process.stdout.write(`${JSON.stringify(result, null, flags.json ? undefined : 2)}\n`);
  exitCode = measured.isRight === true && exits.every((code) => code === 0) ? 0 : 1;
} catch (error) {
  for (const { id, lastWords } of await cluster.stop()) process.stderr.write(`host ${id}:\n${lastWords}\n`);
  throw error;
}
process.exit(exitCode);
