/** `ironkeel bench kv`: one host of IronKV in a process of its own under a closed loop of clients. */
import { E } from '../../spec/prelude.js';
import { ProcessCluster } from '../cluster/process-cluster.js';
import { type CheckLevel, kv } from '../systems.js';
import { ClosedLoop } from './closed-loop.js';
import { measured } from './measure.js';

/** What is measured. */
export interface KvBench {
  readonly clients: number;
  /** Requests that each client keeps outstanding. */
  readonly bundle: number;
  readonly check: CheckLevel;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly op: 'get' | 'set';
  /** Where a CPU profile of the host goes, if anywhere. */
  readonly profileDir: string | undefined;
  /** Where the host writes its journal, if anywhere. */
  readonly journal: string | undefined;
}

/** Keys, all present before anything is measured. */
const keysCount = 1000;

const keys = Array.from({ length: keysCount }, (_, i) => Buffer.from(`key-${String(i).padStart(6, '0')}`));

const preload = async (options: kv.ClientOptions, value: Uint8Array): Promise<void> => {
  const client = await kv.KvStoreClient.open(options);
  if (E.isLeft(client)) throw new Error(client.left);
  const answers = await Promise.all(keys.map((key) => client.right.set(key, value)));
  await client.right.close();
  const wrong = answers.find(E.isLeft);
  if (wrong !== undefined) throw new Error(`the keys could not be written: ${wrong.left.message}`);
};

/** Runs it; the fields of the result. Throws where the host did not start. */
export const benchKv = async (bench: KvBench): Promise<Readonly<Record<string, unknown>>> => {
  const { clients, bundle, check, seconds, op, valueBytes, profileDir, journal } = bench;
  const cluster = await ProcessCluster.start({
    name: 'bench',
    system: 'ironkv',
    nodes: 1,
    check,
    journal,
    ...(profileDir !== undefined && { execArgv: ['--cpu-prof', '--cpu-prof-dir', profileDir] }),
  });
  const options = { cluster: cluster.name, hosts: cluster.replicas, datagramBytesMax: 8192 };
  const value = new Uint8Array(valueBytes).fill(0x78);
  await preload(options, value);
  const commands = keys.map(
    (key): kv.Command => (op === 'get' ? { tag: 'get', key } : { tag: 'set', key, value, when: 'always' }),
  );
  const load = await ClosedLoop.over<kv.Command, kv.Settlement>({
    clients,
    bundle,
    openPort: () => kv.ClientPort.open(options),
    // A prime stride, so that clients do not walk the keys in step.
    request: (client, sequence) => commands[(client * 7919 + sequence) % keysCount] as kv.Command,
    accept: (settlement) => settlement.tag === 'outcome' && isExpected(settlement.outcome, valueBytes),
  });
  return {
    bench: 'kv',
    ...(await measured(cluster, load, seconds)),
    nodes: 1,
    clients,
    bundle,
    check,
    app: 'kv',
    op,
    valueBytes,
    keys: keysCount,
  };
};

/** A read finds a whole value, and a write takes place. */
const isExpected = (outcome: kv.Outcome, valueBytes: number): boolean =>
  outcome.tag === 'value' ? outcome.value?.length === valueBytes : outcome.tag === 'done' && outcome.done;
