/**
 * `ironkeel bench judge`, for IronKV: what the judge of a host costs in a step with one Set, at several sizes of table. One process,
 * no sockets: a host with its judge, and requests made by hand.
 */
import { Inbox } from '../../network/inbox.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import { HostJudge } from '../../refinement/host-judge.js';
import { type EndPoint, endPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { kv } from '../systems.js';

/** One measured size. */
export interface KvJudgeRow {
  readonly keys: number;
  readonly keysAtEnd: number;
  readonly steps: number;
  /** Judging alone, of the steps. */
  readonly microsPerSet: number;
  readonly microsPerSetP99: number;
  /** The host's own step, median, for comparison. */
  readonly hostMicrosPerSet: number;
}

/** Bytes of each value of the table. */
export const kvValueBytes = 100;

const me = endPoint('10.0.0.1:7000');
const client = endPoint('10.0.1.1:9000');

/** A host that owns everything, and one session that sets keys. */
class JudgedHost {
  readonly #host: kv.KvHost;
  readonly #judge: HostJudge<kv.Configuration, kv.KvHost, kv.HostState, kv.KvMessage, kv.KvStep, kv.KvAction>;
  readonly #inbox = new Inbox<kv.KvMessage>(1 << 10);
  readonly #io: PhasedStepIo<kv.KvMessage, kv.KvAction>;
  readonly #value = new Uint8Array(kvValueBytes).fill(7);
  #seqno = 0;
  #step = 0;
  hostMicros = 0;
  judgeMicros = 0;

  constructor() {
    const hosts: readonly EndPoint[] = [me];
    const configuration = kv.kvConfiguration(hosts, []);
    if (E.isLeft(configuration)) throw new Error(configuration.left.join('; '));
    this.#host = new kv.KvHost(configuration.right, me);
    this.#judge = new HostJudge(kv.ironkvRefinement, configuration.right, me);
    const parts = { me, inbox: this.#inbox, codec: kv.kvCodec, ghost: true };
    this.#io = new PhasedStepIo({ ...parts, nowMs: () => this.#step });
  }

  /** Keys of the host's table. */
  get keys(): number {
    return this.#host.table.size;
  }

  /** Asks for one Set; all before it are settled. */
  set(key: number): void {
    const seqno = this.#seqno++;
    const command = { tag: 'set', key: Buffer.from(`key-${key}`), value: this.#value, when: 'always' } as const;
    const session = { number: 0, nonce: 0 };
    const message = { tag: 'request', session, seqno, floor: seqno, ordered: false, command } as const;
    this.#inbox.push({ packet: { source: client, target: me, message }, bytes: kv.kvCodec.encode(message) });
  }

  /** One step, judged. */
  step(): void {
    const begun = performance.now();
    this.#host.next(this.#io.begin(++this.#step));
    const record = this.#io.finish();
    const stepped = performance.now();
    const verdict = this.#judge.judge(record, this.#host);
    const judged = performance.now();
    if (E.isLeft(verdict)) throw new Error(`the judge refused a step: ${verdict.left.rule}`);
    this.hostMicros = (stepped - begun) * 1000;
    this.judgeMicros = (judged - stepped) * 1000;
  }
}

const fillPerStep = 256;
const warmUpSteps = 5000;
const measuredSteps = 20_000;

/** The value below which `share` of `values` lie. */
const quantile = (values: readonly number[], share: number): number =>
  Math.round(([...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0) * 100) / 100;

/** Measures at one size. */
export const measureKvJudge = (keys: number, steps: number = measuredSteps): KvJudgeRow => {
  const node = new JudgedHost();
  for (let key = 0; key < keys; key++) {
    node.set(key);
    if (key % fillPerStep === fillPerStep - 1 || key === keys - 1) node.step();
  }
  const judge: number[] = [];
  const host: number[] = [];
  for (let i = 0; i < warmUpSteps + steps; i++) {
    // A stride, so that the keys are spread as requests are.
    node.set((i * 7919) % keys);
    node.step();
    if (i < warmUpSteps) continue;
    judge.push(node.judgeMicros);
    host.push(node.hostMicros);
  }
  return {
    ...{ keys, keysAtEnd: node.keys, steps },
    ...{ microsPerSet: quantile(judge, 0.5), microsPerSetP99: quantile(judge, 0.99) },
    hostMicrosPerSet: quantile(host, 0.5),
  };
};

/** Measures a small table, a larger one, and one of a million keys. */
export const benchKvJudge = (): readonly KvJudgeRow[] => [10, 1000, 1_000_000].map((keys) => measureKvJudge(keys));
