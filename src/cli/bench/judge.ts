/**
 * `ironkeel bench judge`: what the judge of a leader costs in a step, at several sizes of log, client table and state. One
 * process, no sockets: a leader with its judge, and another replica's votes made by hand.
 */
import { Inbox } from '../../network/inbox.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import type { StepRecord } from '../../network/step-io.js';
import { HostJudge } from '../../refinement/host-judge.js';
import { type EndPoint, endPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { rsm } from '../systems.js';

/** What a leader holds before the measurement. */
export interface JudgeSize {
  readonly logLength: number;
  readonly clients: number;
  readonly stateBytes: number;
}

/** One measured size. */
export interface JudgeRow extends JudgeSize {
  readonly [name: string]: number;
  readonly steps: number;
  /** Judging alone, median of the steps. */
  readonly microsPerStep: number;
  readonly microsPerRequest: number;
  /** The host's own step, median, for comparison. */
  readonly hostMicrosPerStep: number;
}

/** Requests that a measured step takes. */
export const requestsPerStep = 32;

/** Bytes of the value that each of them sets. */
export const valueBytes = 1000;

const warmUpSteps = 300;
const measuredSteps = 1500;

const replicas = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));
const [leader, follower] = replicas as [EndPoint, EndPoint, EndPoint];

const clientAt = (i: number): EndPoint => endPoint(`10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:9000`);

const commandFor = (key: number): Uint8Array =>
  rsm.encodeCommand({ tag: 'set', key: Buffer.from(`key-${key}`), value: new Uint8Array(valueBytes).fill(key & 255) });

/** A leader whose proposals one follower answers at once; nobody reports checkpoints, so that the log only grows. */
class JudgedLeader {
  readonly #host: rsm.ReplicaHost;
  readonly #judge: HostJudge<
    rsm.Configuration,
    rsm.ReplicaHost,
    rsm.Replica,
    rsm.RsmMessage,
    rsm.ReplicaStep,
    rsm.ReplicaAction
  >;
  readonly #inbox = new Inbox<rsm.RsmMessage>(1 << 16);
  readonly #io: PhasedStepIo<rsm.RsmMessage, rsm.ReplicaAction>;
  readonly #seqnos: number[] = [];
  #step = 0;
  hostMicros = 0;
  judgeMicros = 0;

  constructor() {
    const parameters = { ...rsm.defaultParameters, logLengthMax: 1 << 20, viewTimeoutMs: 1e9, viewTimeoutMsMax: 1e9 };
    const configuration: rsm.Configuration = { replicas, app: rsm.kv, parameters };
    this.#host = new rsm.ReplicaHost(configuration, leader);
    this.#judge = new HostJudge(rsm.ironrsmRefinement, configuration, leader);
    this.#io = new PhasedStepIo({
      me: leader,
      inbox: this.#inbox,
      codec: rsm.rsmCodec,
      nowMs: () => this.#step >> 6,
      ghost: true,
    });
  }

  /** One step; answers each 1a and 2a of it in the follower's name. */
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
    this.#answer(record);
  }

  /** Asks `count` requests, of the clients `from`, `from + 1`, ... */
  ask(from: number, count: number, clients: number, key: (i: number) => number): void {
    for (let i = 0; i < count; i++) {
      const client = (from + i) % clients;
      const seqno = (this.#seqnos[client] ?? 0) + 1;
      this.#seqnos[client] = seqno;
      this.#receive(clientAt(client), { tag: 'request', seqno, value: commandFor(key(i)) });
    }
  }

  #answer(record: StepRecord<rsm.ReplicaAction>): void {
    for (const event of record.events) {
      if (event.tag !== 'send' || event.target !== follower) continue;
      const message = rsm.rsmCodec.decode(event.bytes);
      if (E.isLeft(message)) continue;
      const m = message.right;
      if (m.tag === '1a') this.#receive(follower, { tag: '1b', ballot: m.ballot, truncationPoint: 0, votes: [] });
      if (m.tag === '2a') this.#receive(follower, { ...m, tag: '2b' });
    }
  }

  #receive(source: EndPoint, message: rsm.RsmMessage): void {
    this.#inbox.push({ packet: { source, target: leader, message }, bytes: rsm.rsmCodec.encode(message) });
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const round = (x: number): number => Math.round(x * 100) / 100;

/** Fills a leader to `size` through ordinary steps, then measures. */
const measure = (size: JudgeSize): JudgeRow => {
  const node = new JudgedLeader();
  for (let i = 0; i < 5; i++) node.step();
  const keys = Math.max(1, Math.floor(size.stateBytes / valueBytes));
  const fills = Math.max(size.logLength, Math.ceil(Math.max(keys, size.clients) / requestsPerStep));
  for (let i = 0; i < fills + warmUpSteps; i++) {
    node.ask(i * requestsPerStep, requestsPerStep, size.clients, (j) => (i * requestsPerStep + j) % keys);
    node.step();
  }
  const judge: number[] = [];
  const host: number[] = [];
  for (let i = 0; i < measuredSteps; i++) {
    // A stride, so that the keys are spread as requests are.
    node.ask(i * requestsPerStep, requestsPerStep, size.clients, (j) => ((i * requestsPerStep + j) * 7919) % keys);
    node.step();
    judge.push(node.judgeMicros);
    host.push(node.hostMicros);
  }
  const microsPerStep = median(judge);
  return {
    ...size,
    steps: measuredSteps,
    microsPerStep: round(microsPerStep),
    microsPerRequest: round(microsPerStep / requestsPerStep),
    hostMicrosPerStep: round(median(host)),
  };
};

const small: JudgeSize = { logLength: 100, clients: 64, stateBytes: 1_000_000 };

/** A small leader, then a longer log, more clients, a larger state. */
const judgeSizes: readonly JudgeSize[] = [
  small,
  { ...small, logLength: 10_000 },
  { ...small, clients: 10_000 },
  { ...small, stateBytes: 100_000_000 },
];

/** Measures every size. */
export const benchJudge = (): readonly JudgeRow[] => judgeSizes.map(measure);
