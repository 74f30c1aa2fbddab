/**
 * `ironkeel bench judge`: what the judge of a leader costs in a step, at several sizes of log, sessions and state. One process, no
 * sockets: a leader with its judge, and another replica's votes and heartbeats made by hand.
 */
import { Inbox } from '../../network/inbox.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import type { StepRecord } from '../../network/step-io.js';
import { HostJudge } from '../../refinement/host-judge.js';
import { type EndPoint, endPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { rsm } from '../systems.js';

/** What a leader holds while it is measured. */
export interface JudgeSize {
  /** Operations of the log, above the truncation point. */
  readonly logLength: number;
  /** Live sessions, which make requests in turn. */
  readonly sessions: number;
  /** Bytes of the values that the application holds. */
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

/** Sessions are told apart by their ids alone: one end point may have many. */
const client = endPoint('10.0.1.1:9000');

const commandFor = (key: number): Uint8Array =>
  rsm.joined([
    rsm.encodeCommand({
      tag: 'set',
      key: Buffer.from(`key-${key}`),
      value: new Uint8Array(valueBytes).fill(key & 255),
    }),
  ]);

/** One heartbeat in so many steps of a millisecond each. */
const heartbeatPeriodMs = 20;

/** A leader whose proposals one follower answers at once. The follower reports checkpoints, and so says how long the log is. */
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
  readonly #sessions: { readonly id: number; seqno: number }[] = [];
  #view: rsm.Ballot | undefined;
  #step = 0;
  hostMicros = 0;
  judgeMicros = 0;

  constructor({ logLength, sessions }: JudgeSize) {
    const parameters = {
      ...rsm.defaultParameters,
      ...{ logLengthMax: 2 * logLength, voteBytesMax: 2 ** 31, sessionsMax: sessions, heartbeatPeriodMs },
      ...{ viewTimeoutMs: 1e9, viewTimeoutMsMax: 1e9 },
    };
    const configuration: rsm.Configuration = { replicas, app: rsm.applications.kv as rsm.AnyApplication, parameters };
    this.#host = new rsm.ReplicaHost(configuration, leader);
    this.#judge = new HostJudge(rsm.ironrsmRefinement, configuration, leader);
    this.#io = new PhasedStepIo({
      me: leader,
      inbox: this.#inbox,
      codec: rsm.rsmCodec,
      nowMs: () => this.#step,
      ghost: true,
    });
  }

  /** How many sessions were opened. */
  get sessions(): number {
    return this.#sessions.length;
  }

  /** Operations in the log, as the host counts them. */
  get logLength(): number {
    return this.#host.executor.opsComplete - this.#host.acceptor.truncationPoint;
  }

  /** Live sessions, as the host counts them. */
  get liveSessions(): number {
    return this.#host.executor.sessions.size;
  }

  /** Bytes of the values that the host's application holds. */
  get stateBytes(): number {
    let bytes = 0;
    for (const value of (this.#host.executor.app as rsm.KvState).values()) bytes += value.length;
    return bytes;
  }

  /** One step; answers its 1a's and 2a's in the follower's name, and keeps what it opened. */
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

  /** Asks for `count` sessions. */
  open(count: number): void {
    for (let i = 0; i < count; i++)
      this.#receive(client, { tag: 'open', nonce: this.#step * 4096 + i, ordered: false });
  }

  /** Asks `count` requests, of one session after the other. */
  ask(from: number, count: number, key: (i: number) => number): void {
    for (let i = 0; i < count; i++) {
      const session = this.#sessions[(from + i) % this.#sessions.length];
      if (session === undefined) throw new Error('no session was opened');
      const seqno = ++session.seqno;
      // What was asked two steps ago is answered.
      const floor = Math.max(1, seqno - 3 * Math.ceil(requestsPerStep / this.#sessions.length));
      this.#receive(client, { tag: 'request', session: session.id, seqno, floor, value: commandFor(key(i)) });
    }
  }

  /** The follower reports a checkpoint `logLength` behind what the leader executed, so that the log holds that many. */
  report(logLength: number): void {
    const opsComplete = Math.max(0, this.#host.executor.opsComplete - logLength);
    if (this.#view === undefined) return;
    this.#receive(follower, { tag: 'heartbeat', view: this.#view, suspicious: false, opsComplete });
  }

  #answer(record: StepRecord<rsm.ReplicaAction>): void {
    for (const event of record.events) {
      if (event.tag !== 'send' || (event.target !== follower && event.target !== client)) continue;
      const message = rsm.rsmCodec.decode(event.bytes);
      if (E.isLeft(message)) continue;
      const m = message.right;
      if (m.tag === 'opened') this.#sessions.push({ id: m.session, seqno: 0 });
      if (event.target !== follower) continue;
      if (m.tag === '1a') {
        this.#view = m.ballot;
        this.#receive(follower, { tag: '1b', ballot: m.ballot, truncationPoint: 0, votes: [] });
      }
      if (m.tag === '2a') {
        this.#receive(follower, { tag: '2b', ballot: m.ballot, opn: m.opn, digest: rsm.digestOf(m.batch) });
      }
    }
  }

  #receive(source: EndPoint, message: rsm.RsmMessage): void {
    this.#inbox.push({ packet: { source, target: leader, message }, bytes: rsm.rsmCodec.encode(message) });
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const round = (x: number): number => Math.round(x * 100) / 100;

/** Brings a leader to `size` through ordinary, judged steps. */
const filled = (size: JudgeSize, keys: number): JudgedLeader => {
  const node = new JudgedLeader(size);
  for (let i = 0; i < 5; i++) node.step();
  while (node.sessions < size.sessions) {
    node.open(Math.min(128, size.sessions - node.sessions));
    for (let i = 0; i < 3; i++) node.step();
  }
  for (let i = 0; i * requestsPerStep < keys + warmUpSteps * requestsPerStep; i++) {
    node.ask(i * requestsPerStep, requestsPerStep, (j) => (i * requestsPerStep + j) % keys);
    node.report(size.logLength);
    node.step();
  }
  // Small operations: the log's length is what is varied, not its bytes.
  for (let i = 0; node.logLength < size.logLength; i++) {
    node.ask(i, 1, () => 0);
    node.report(size.logLength);
    node.step();
  }
  return node;
};

/** Measures at one size. */
export const measureJudge = (size: JudgeSize, steps: number = measuredSteps): JudgeRow => {
  const keys = Math.max(1, Math.floor(size.stateBytes / valueBytes));
  const node = filled(size, keys);
  const judge: number[] = [];
  const host: number[] = [];
  for (let i = 0; i < steps; i++) {
    // A stride, so that the keys are spread as requests are.
    node.ask(i * requestsPerStep, requestsPerStep, (j) => ((i * requestsPerStep + j) * 7919) % keys);
    node.report(size.logLength);
    node.step();
    judge.push(node.judgeMicros);
    host.push(node.hostMicros);
  }
  const microsPerStep = median(judge);
  return {
    ...size,
    logLengthAtEnd: node.logLength,
    sessionsAtEnd: node.liveSessions,
    bytesAtEnd: node.stateBytes,
    steps,
    microsPerStep: round(microsPerStep),
    microsPerRequest: round(microsPerStep / requestsPerStep),
    hostMicrosPerStep: round(median(host)),
  };
};

const small: JudgeSize = { logLength: 100, sessions: 10, stateBytes: 1_000_000 };

/** A small leader, then a longer log, more sessions, a larger state. */
const judgeSizes: readonly JudgeSize[] = [
  small,
  { ...small, logLength: 10_000 },
  { ...small, sessions: 10_000 },
  { ...small, stateBytes: 100_000_000 },
];

/** Measures every size. */
export const benchJudge = (): readonly JudgeRow[] => judgeSizes.map((size) => measureJudge(size));
