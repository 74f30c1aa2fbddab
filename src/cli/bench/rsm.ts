/** `ironkeel bench rsm`: three replica processes under a closed loop of clients. */
import { E } from '../../spec/prelude.js';
import { ProcessCluster } from '../cluster/process-cluster.js';
import { type CheckLevel, rsm } from '../systems.js';
import { ClosedLoop, type LoadOptions } from './closed-loop.js';
import { measured } from './measure.js';

/** What is measured. */
export interface RsmBench {
  readonly clients: number;
  /** Requests that each client keeps outstanding. */
  readonly bundle: number;
  readonly check: CheckLevel;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly app: 'kv' | 'counter';
  readonly op: 'get' | 'set';
  /** Where CPU profiles of the replicas go, if anywhere. */
  readonly profileDir: string | undefined;
  /** Where the replicas write journals, if anywhere. */
  readonly journal: string | undefined;
}

/** Keys that the clients use, in turn. */
const keys = 1000;

const replicas = 3;

const keyOf = (n: number): Uint8Array => Buffer.from(`key-${String(n).padStart(6, '0')}`);

/** Stores what will be read. */
const preload = async (options: rsm.ClientOptions, valueBytes: number): Promise<void> => {
  const client = await rsm.RsmClient.open(options);
  if (E.isLeft(client)) throw new Error(client.left);
  const store = new rsm.KvClient(client.right);
  const value = new Uint8Array(valueBytes).fill(0x78);
  const answers = await Promise.all(Array.from({ length: keys }, (_, n) => store.set(keyOf(n), value)));
  await client.right.close();
  const wrong = answers.find(E.isLeft);
  if (wrong !== undefined) throw new Error(`the keys could not be written: ${wrong.left.message}`);
};

/** Whether a reply is accepted by `judge`; of replies with equal bytes, which come in long runs, it is asked once. */
const remembering = (judge: (reply: Uint8Array) => boolean): LoadOptions['accept'] => {
  let accepted: Uint8Array | undefined;
  return (reply) => {
    if (accepted !== undefined && Buffer.compare(accepted, reply) === 0) return true;
    if (!judge(reply)) return false;
    accepted = new Uint8Array(reply);
    return true;
  };
};

/** Requests of the application for clients that use `keys` keys in turn. */
export const requestsOf = (
  { app, op, valueBytes }: Pick<RsmBench, 'app' | 'op' | 'valueBytes'>,
  keys: number,
): Pick<LoadOptions, 'request' | 'accept'> => {
  if (app === 'counter') {
    const empty = new Uint8Array(0);
    return { request: () => empty, accept: (reply) => E.isRight(rsm.decodeCount(reply)) };
  }
  const value = new Uint8Array(valueBytes).fill(0x78);
  const commands = Array.from({ length: keys }, (_, i) => {
    const key = keyOf(i);
    return rsm.encodeCommand(op === 'get' ? { tag: 'get', key } : { tag: 'set', key, value });
  });
  return {
    // A prime stride, so that clients do not walk the keys in step.
    request: (client, sequence) => commands[(client * 7919 + sequence) % keys] as Uint8Array,
    accept: remembering((reply) => {
      const decoded = rsm.decodeReply(reply);
      if (E.isLeft(decoded)) return false;
      const { right: told } = decoded;
      // A read finds a whole value.
      return op === 'get' ? told.tag === 'value' && told.value?.length === valueBytes : told.tag === 'ok';
    }),
  };
};

/** Runs it; the fields of the result. Throws where a node did not start. */
export const benchRsm = async (bench: RsmBench): Promise<Readonly<Record<string, unknown>>> => {
  const { clients, bundle, check, seconds, app, op, valueBytes, profileDir, journal } = bench;
  const cluster = await ProcessCluster.start({
    name: 'bench',
    nodes: replicas,
    application: app,
    check,
    journal,
    ...(profileDir !== undefined && { execArgv: ['--cpu-prof', '--cpu-prof-dir', profileDir] }),
  });
  if (app === 'kv' && op === 'get') {
    await preload({ cluster: cluster.name, replicas: cluster.replicas, datagramBytesMax: 8192 }, valueBytes);
  }
  const target = { cluster: cluster.name, replicas: cluster.replicas, clients, bundle };
  const load = await ClosedLoop.open({ ...target, ...requestsOf(bench, keys) });
  return {
    bench: 'rsm',
    ...(await measured(cluster, load, seconds)),
    nodes: replicas,
    clients,
    bundle,
    check,
    app,
    ...(app === 'kv' ? { op, valueBytes } : {}),
  };
};
